//! Puts the kernel program into the binary. `cargo xtask build` makes it, with a compiler of its own.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=SYNWALL_EBPF_OBJECT");
    let object = env::var_os("SYNWALL_EBPF_OBJECT").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/synwall-ebpf.o"),
        PathBuf::from,
    );
    println!("cargo::rerun-if-changed={}", object.display());
    match object.canonicalize() {
        Ok(object) => println!("cargo::rustc-env=SYNWALL_EBPF_OBJECT={}", object.display()),
        Err(error) => {
            println!(
                "cargo::error=the kernel program {} cannot be read ({error}): run `cargo xtask build` first",
                object.display()
            );
        }
    }
}

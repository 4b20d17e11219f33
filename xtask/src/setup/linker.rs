//! bpf-linker, which makes one BPF object with BTF out of LLVM bitcode. It is the project's own, under
//! `target/tools`, whatever version the user may have.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{exec, place};

/// The last one that uses the compiler's LLVM; 0.11 and later need one of their own.
const VERSION: &str = "0.10.3";

/// Finds or builds bpf-linker.
pub fn find() -> Result<PathBuf> {
    let linker = place::tools().join("bin/bpf-linker");
    let answer = exec::ask(Command::new(&linker).arg("--version")).unwrap_or_default();
    if answer == format!("bpf-linker {VERSION}") {
        return Ok(linker);
    }
    eprintln!(
        "Building bpf-linker {VERSION}, the kernel program's linker, into {} (about 90 s).",
        place::tools().display()
    );
    exec::run(
        Command::new(place::cargo())
            .args([
                "install",
                "bpf-linker",
                "--version",
                VERSION,
                "--locked",
                "--force",
                "--root",
            ])
            .arg(place::tools()),
    )
    .context(
        "bpf-linker could not be built: it comes from the Rust package registry and needs a C linker (gcc)",
    )?;
    Ok(linker)
}

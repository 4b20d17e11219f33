//! Building the kernel program: filter-ebpf for `bpfel-unknown-none`, into `target/synwall-ebpf.o`, and the
//! bench's into `target/synwall-bench-ebpf.o`. Big-endian hosts are not served.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result};

use crate::setup::{Core, KernelTools};
use crate::{exec, place, strip};

/// Compiles the kernel program and puts it where filter-user's build script looks for it.
pub fn build(tools: &KernelTools) -> Result<()> {
    build_binary(tools, "synwall-ebpf", &place::kernel_object())
}

/// The same for the programs that only the bench loads.
pub fn build_bench(tools: &KernelTools) -> Result<()> {
    build_binary(tools, "synwall-bench-ebpf", &place::bench_object())
}

fn build_binary(tools: &KernelTools, binary: &str, object: &Path) -> Result<()> {
    let target = place::target().join("ebpf");
    let mut cargo = Command::new(&tools.compiler.cargo);
    cargo.args(["build", "--quiet", "--release", "--target", "bpfel-unknown-none"]);
    if tools.compiler.core == Core::Sources {
        cargo.args(["-Z", "build-std=core"]);
    }
    exec::run(
        cargo
            .args(["-p", "filter-ebpf", "--bin", binary, "--target-dir"])
            .arg(&target)
            .current_dir(place::root())
            .env("RUSTC", &tools.compiler.rustc)
            // aya-ebpf turns unstable features on, and `-Z build-std` is one; this admits them on a stable compiler.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags(tools).join("\x1f"))
            .env("LD_LIBRARY_PATH", env::join_paths(&tools.compiler.libraries)?)
            // The linker makes BTF from the debug information.
            .env("CARGO_PROFILE_RELEASE_STRIP", "none")
            // filter-user's build script must not build the program a second time, its own way.
            .env("AYA_BUILD_SKIP", "1"),
    )?;
    let built = target.join("bpfel-unknown-none/release").join(binary);
    let bytes =
        fs::read(&built).with_context(|| format!("cannot read the kernel program {}", built.display()))?;
    let stripped = strip::debug_information(&bytes)
        .with_context(|| format!("cannot strip the kernel program {}", built.display()))?;
    replace_if_changed(&stripped, object)
}

fn flags(tools: &KernelTools) -> Vec<String> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    let mut flags = vec![
        format!("-Clinker={}", tools.linker.display()),
        "-Clink-arg=--btf".to_owned(),
        // 32-bit arithmetic and jumps, which every kernel has since 5.1: without them each number of 32 bits is
        // cleaned by two shifts before it is compared.
        "-Ctarget-cpu=v3".to_owned(),
        "-Cdebuginfo=2".to_owned(),
        format!("--cfg=bpf_target_arch=\"{}\"", env::consts::ARCH),
    ];
    // The object tells nobody where it was built. The last prefix that matches counts, and an unpacked sysroot
    // lies inside the workspace.
    let sysroot = tools.compiler.sysroot.as_path();
    for (from, to) in [(place::root(), "."), (&cargo_home, "cargo"), (sysroot, "rust")] {
        flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    }
    flags
}

/// Cargo compares times: an untouched object means that user space is not built again.
fn replace_if_changed(bytes: &[u8], old: &Path) -> Result<()> {
    if fs::read(old).is_ok_and(|before| before == bytes) {
        return Ok(());
    }
    let partial = old.with_extension("partial");
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, old))
        .with_context(|| format!("cannot write the kernel program {}", old.display()))
}

//! The choice of the kernel program's compiler, the quickest first: what is there, then Debian's packages, then rustup.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::compiler::{Compiler, Core, has_core};
use super::{debian, rustup};

/// Finds or installs a compiler, and says which and why.
pub fn choose() -> Result<Compiler> {
    let (compiler, why) = find()?;
    eprintln!(
        "kernel program compiler: Rust {} ({}), because {why}",
        compiler.release,
        compiler.rustc.display()
    );
    Ok(compiler)
}

fn find() -> Result<(Compiler, &'static str)> {
    let known = rustup::toolchains();
    let mut with_sources = None;
    let installed = known.iter().map(|toolchain| toolchain.rustc());
    let system = [PathBuf::from("/usr/bin/rustc")]
        .into_iter()
        .filter(|_| has_core(Path::new("/usr")));
    let unpacked = [debian::rustc()].into_iter().filter(|rustc| rustc.exists());
    for rustc in unpacked.chain(installed).chain(system) {
        let sysroot = rustc.parent().and_then(Path::parent);
        if rustc != debian::rustc() && !sysroot.is_some_and(has_core) {
            continue;
        }
        match Compiler::inspect(&rustc) {
            Ok(compiler) if compiler.core == Core::ReadyMade => {
                return Ok((compiler, "it is here with a `core` for BPF"));
            }
            Ok(compiler) => with_sources = with_sources.or(Some(compiler)),
            Err(reason) => eprintln!("not taken: {}: {reason:#}", rustc.display()),
        }
    }
    if let Some(compiler) = with_sources {
        return Ok((compiler, "it is here with the sources of its `core`"));
    }

    eprintln!(
        "The kernel program takes a compiler with a `core` for BPF, or with the sources of one. None here has either."
    );
    let no_debian = match debian::unpack().and_then(|()| Compiler::inspect(&debian::rustc())) {
        Ok(compiler) => return Ok((compiler, "Debian has it with a `core` for BPF")),
        Err(reason) => reason,
    };
    eprintln!("Not from Debian's packages: {no_debian:#}. Now from rustup.");
    let compiler = rustup::add_sources(&known)
        .and_then(|rustc| Compiler::inspect(&rustc))
        .with_context(|| {
            format!(
                "no compiler for the kernel program. Either on Debian 12, with bookworm-security, as root `apt-get install \
                 --no-install-recommends rustc-web libstd-rust-web-dev-bpf` (here: {no_debian:#}), or `rustup toolchain \
                 install {} --profile minimal --component rust-src`; then run this again",
                rustup::KNOWN_GOOD
            )
        })?;
    Ok((
        compiler,
        "rustup had the sources of its `core`, and Debian has no packages here",
    ))
}

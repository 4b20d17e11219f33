//! The choice of the kernel program's compiler: what is there, then rustup, then Debian's packages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::compiler::{Compiler, has_sources};
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
    let installed = known.iter().map(|toolchain| toolchain.rustc());
    let system = [PathBuf::from("/usr/bin/rustc")]
        .into_iter()
        .filter(|_| has_sources(Path::new("/usr")));
    for rustc in installed.chain(system) {
        let sysroot = rustc.parent().and_then(Path::parent);
        if !sysroot.is_some_and(has_sources) {
            continue;
        }
        match Compiler::inspect(&rustc) {
            Ok(compiler) => return Ok((compiler, "it is here with its sources")),
            Err(reason) => eprintln!("not taken: {}: {reason:#}", rustc.display()),
        }
    }
    if debian::rustc().exists() {
        match Compiler::inspect(&debian::rustc()) {
            Ok(compiler) => return Ok((compiler, "it was unpacked here before")),
            Err(reason) => eprintln!("not taken: {}: {reason:#}", debian::rustc().display()),
        }
    }

    eprintln!(
        "The kernel program is built for a target that has no ready-made `core` library, so it takes a \
         compiler with the sources of its own. None here has them."
    );
    let no_rustup = match rustup::add_sources(&known).and_then(|rustc| Compiler::inspect(&rustc)) {
        Ok(compiler) => return Ok((compiler, "rustup had its sources")),
        Err(reason) => reason,
    };
    eprintln!("Not from rustup: {no_rustup:#}. Now from Debian's packages.");
    let compiler = debian::unpack()
        .and_then(|()| Compiler::inspect(&debian::rustc()))
        .with_context(|| {
            format!(
                "no compiler for the kernel program. Either `rustup toolchain install {} --profile minimal \
             --component rust-src` (here: {no_rustup:#}), or on Debian 12, with bookworm-security, as root \
             `apt-get install --no-install-recommends rustc-web rust-web-src`; then run this again",
                rustup::KNOWN_GOOD
            )
        })?;
    Ok((
        compiler,
        "rustup has no sources to offer and Debian's packages do",
    ))
}

//! Debian's compiler for its web browsers, which is kept up to date in a stable release. It is unpacked under
//! `target/toolchain` and not installed: it conflicts with nothing there, and leaves with `target/`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::apt;
use super::compiler::at_least;
use crate::place;

/// Found relative to itself, so that it can be made before the directory gets its final name.
const WRAPPER: &str = r#"#!/bin/sh
usr=${0%/*}/root/usr
libraries=
for dir in "$usr"/lib/*-linux-gnu "$usr"/../lib/*-linux-gnu; do
    [ ! -d "$dir" ] || libraries=$libraries:$dir
done
LD_LIBRARY_PATH=${libraries#:}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$usr/bin/rustc" "$@"
"#;

/// The compiler, and libraries for BPF that were built with it.
const PACKAGES: [&str; 2] = ["rustc-web", "libstd-rust-web-dev-bpf"];

fn dir() -> PathBuf {
    place::target().join("toolchain")
}

/// The unpacked compiler, if there is one.
pub fn rustc() -> PathBuf {
    dir().join("rustc")
}

/// Downloads and unpacks the compiler and its `core` for BPF.
pub fn unpack() -> Result<()> {
    apt::check_can_install(&PACKAGES)?;
    let version = candidate()?;
    eprintln!(
        "Unpacking Debian's Rust {version} into {} (120 MB to download, 520 MB on disk). Nothing is installed; your compilers \
         stay as they are.",
        dir().display()
    );
    // Compiler and libraries have to be the same version.
    let packages = PACKAGES.map(|name| format!("{name}={version}"));
    apt::unpack(
        &dir(),
        |debs| apt::download_with_dependencies(debs, &packages),
        finish,
    )
}

/// Base Debian 12 has 1.85, and its security archive what browsers need now: lists that are old or lack the
/// latter show the former.
fn candidate() -> Result<String> {
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let new_enough = || apt::candidate("rustc-web").filter(|version| at_least(version, wanted));
    if let Some(version) = new_enough() {
        return Ok(version);
    }
    apt::update("the package lists know no rustc-web that is new enough")?;
    new_enough().with_context(|| {
        format!(
            "apt offers rustc-web {}, and {wanted} or later is needed: is this Debian 12 with \
             bookworm-security among its sources?",
            apt::candidate("rustc-web").as_deref().unwrap_or("not at all")
        )
    })
}

fn finish(unpacked: &Path) -> Result<()> {
    let root = unpacked.join("root/usr");
    ensure!(
        root.join("bin/rustc").is_file() && super::compiler::has_core(&root),
        "the packages hold no bin/rustc with a `core` for BPF"
    );
    let wrapper = unpacked.join("rustc");
    fs::write(&wrapper, WRAPPER)?;
    fs::set_permissions(&wrapper, Permissions::from_mode(0o755))?;
    Ok(())
}

//! The tarball, for systems without Debian's package manager: one directory with everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::VERSION;
use super::date::SourceDate;
use crate::{exec, place};

/// What is in the repository as it is.
const SOURCES: [&str; 9] = [
    "packaging/grafana",
    "packaging/prometheus",
    "packaging/synwall.service",
    "packaging/synwall.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "docs",
];

/// Packs what was collected, and the above.
pub fn make(files: &Path, directory: &Path, date: &SourceDate) -> Result<PathBuf> {
    let name = format!("synwall-{VERSION}-{}-linux", std::env::consts::ARCH);
    let root = directory.join(&name);
    fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
    exec::run(
        Command::new("cp")
            .arg("--recursive")
            .arg(files.join("."))
            .args(SOURCES.map(|source| place::root().join(source)))
            .arg(&root),
    )?;
    let tarball = directory.join(format!("{name}.tar.gz"));
    exec::run(
        Command::new("tar")
            .arg("--create")
            // Neither who made it, nor when, nor in which order the disk has it.
            .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
            .args(["--mode=u=rwX,go=rX", "--format=ustar"])
            .arg(format!("--mtime=@{}", date.epoch()))
            .args(["--use-compress-program", "gzip --no-name --best", "--file"])
            .arg(&tarball)
            .arg("--directory")
            .arg(directory)
            .arg(&name),
    )?;
    fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
    Ok(tarball)
}

//! rustup's toolchains, and the sources that it can add to them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::compiler;
use crate::exec;

/// Installed when no toolchain here fits. A fixed release: the nightly of the day may have an LLVM that
/// bpf-linker is not for (1.101 has 23).
pub const KNOWN_GOOD: &str = "1.95.0";

/// Where rustup's host is blocked, it can hang instead of failing. Seconds; a download takes 12.
const PATIENCE: &str = "120";

/// One that `rustup toolchain list` shows.
pub struct Toolchain {
    name: String,
    dir: PathBuf,
}

impl Toolchain {
    /// The compiler itself, not rustup's proxy.
    pub fn rustc(&self) -> PathBuf {
        self.dir.join("bin/rustc")
    }
}

/// The installed toolchains, the active one first. None if there is no rustup.
pub fn toolchains() -> Vec<Toolchain> {
    let list = exec::ask(Command::new("rustup").args(["toolchain", "list", "-v"])).unwrap_or_default();
    let mut lines: Vec<&str> = list.lines().collect();
    lines.sort_by_key(|line| !line.contains("(active"));
    lines.into_iter().filter_map(parse).collect()
}

/// `NAME [(active, default)] PATH`
fn parse(line: &str) -> Option<Toolchain> {
    let name = line.split_whitespace().next()?.to_owned();
    let dir = PathBuf::from(&line[line.find('/')?..]);
    Some(Toolchain { name, dir })
}

/// Adds the sources to a toolchain that lacks only them, else installs one with them.
pub fn add_sources(known: &[Toolchain]) -> Result<PathBuf> {
    exec::find("rustup").context("there is no rustup")?;
    if let Some(toolchain) = known
        .iter()
        .find(|toolchain| compiler::version(&toolchain.rustc()).is_ok())
    {
        eprintln!(
            "Adding them (rust-src, a few MB) to rustup's {}, which fits otherwise.",
            toolchain.name
        );
        within_patience(&["component", "add", "rust-src", "--toolchain", &toolchain.name])?;
        return Ok(toolchain.rustc());
    }
    eprintln!("Installing Rust {KNOWN_GOOD} with them beside your toolchains (700 MB on disk).");
    within_patience(&[
        "toolchain",
        "install",
        KNOWN_GOOD,
        "--profile",
        "minimal",
        "--component",
        "rust-src",
        "--no-self-update",
    ])?;
    Ok(PathBuf::from(exec::ask(Command::new("rustup").args([
        "which",
        "rustc",
        "--toolchain",
        KNOWN_GOOD,
    ]))?))
}

fn within_patience(arguments: &[&str]) -> Result<()> {
    exec::run(
        Command::new("timeout")
            .args(["--foreground", PATIENCE, "rustup"])
            .args(arguments),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::parse;

    #[test]
    fn a_toolchain_line_is_name_and_path() {
        for line in [
            "stable-x86_64 (active, default) /r/stable dir",
            "stable-x86_64 /r/stable dir",
        ] {
            let toolchain = parse(line).unwrap();
            assert_eq!(toolchain.name, "stable-x86_64");
            assert_eq!(toolchain.dir, Path::new("/r/stable dir"));
        }
        assert!(parse("no installed toolchains").is_none());
    }
}

//! Programs that come as crates. They are the project's own, under `target/tools`, whatever versions the user may have.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{exec, place};

/// Finds the program of that version, or builds it; `purpose` says what for and how long that takes.
pub fn find(program: &str, version: &str, purpose: &str) -> Result<PathBuf> {
    let path = place::tools().join("bin").join(program);
    let answer = exec::ask(Command::new(&path).arg("--version")).unwrap_or_default();
    if answer == format!("{program} {version}") {
        return Ok(path);
    }
    eprintln!(
        "Building {program} {version}, {purpose}, into {}.",
        place::tools().display()
    );
    exec::run(
        Command::new(place::cargo())
            .args([
                "install",
                program,
                "--version",
                version,
                "--locked",
                "--force",
                "--quiet",
            ])
            .arg("--root")
            .arg(place::tools())
            // They run for seconds and are built for a minute.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off"),
    )
    .with_context(|| {
        format!(
            "{program} could not be built: it comes from the Rust package registry and needs a C linker (gcc)"
        )
    })?;
    Ok(path)
}

//! cargo-fuzz, which builds libFuzzer and what it drives. It is the project's own, under `target/tools`, like the linker.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{exec, place};

const VERSION: &str = "0.13.2";

/// Finds or builds cargo-fuzz.
pub fn find() -> Result<PathBuf> {
    let program = place::tools().join("bin/cargo-fuzz");
    let answer = exec::ask(Command::new(&program).args(["fuzz", "--version"])).unwrap_or_default();
    if answer == format!("cargo-fuzz {VERSION}") {
        return Ok(program);
    }
    eprintln!(
        "Building cargo-fuzz {VERSION}, which drives libFuzzer, into {} (about 60 s).",
        place::tools().display()
    );
    exec::run(
        Command::new(place::cargo())
            .args([
                "install",
                "cargo-fuzz",
                "--version",
                VERSION,
                "--locked",
                "--force",
                "--root",
            ])
            .arg(place::tools()),
    )
    .context(
        "cargo-fuzz could not be built: it comes from the Rust package registry and needs a C linker (gcc)",
    )?;
    Ok(program)
}

//! Building user space: the `synwall` binary, with the kernel program inside.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{exec, place};

/// Builds `synwall` and says where it is.
pub fn build() -> Result<PathBuf> {
    exec::run(
        Command::new(place::cargo())
            .args(["build", "--release", "-p", "filter-user"])
            .current_dir(place::root()),
    )?;
    let binary = place::synwall();
    ensure!(
        binary.is_file(),
        "{} is not there after the build: does Cargo's configuration name another target-dir? \
         Set CARGO_TARGET_DIR instead",
        binary.display()
    );
    Ok(binary)
}

/// Builds a program of the `tests` crate and runs it with the arguments that are added.
pub fn program_of_tests(name: &str) -> Command {
    let mut cargo = Command::new(place::cargo());
    cargo
        .args(["run", "--quiet", "--release", "-p", "tests", "--bin", name, "--"])
        .current_dir(place::root());
    cargo
}

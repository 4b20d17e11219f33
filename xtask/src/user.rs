//! Building user space: the `synwall` binary, with the kernel program inside, and the programs of the `tests` crate.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::place::Profile;
use crate::{exec, place};

/// Builds `synwall` and says where it is.
pub fn build(profile: Profile) -> Result<PathBuf> {
    build_with(profile, &["-p", "filter-user", "--bin", "synwall"])
}

/// The same, and a program of the `tests` crate at the same time, of which most is what `synwall` is made of.
pub fn build_beside(program: &str, profile: Profile) -> Result<PathBuf> {
    let both = [
        "-p",
        "filter-user",
        "--bin",
        "synwall",
        "-p",
        "tests",
        "--bin",
        program,
    ];
    build_with(profile, &both)
}

fn build_with(profile: Profile, what: &[&str]) -> Result<PathBuf> {
    exec::run(
        Command::new(place::cargo())
            .args(["build", "--profile", profile.name()])
            .args(what)
            .current_dir(place::root()),
    )?;
    let binary = profile.synwall();
    ensure!(
        binary.is_file(),
        "{} is not there after the build: does Cargo's configuration name another target-dir? \
         Set CARGO_TARGET_DIR instead",
        binary.display()
    );
    Ok(binary)
}

/// Builds a program of the `tests` crate and runs it with the arguments that are added.
pub fn program_of_tests(name: &str, profile: Profile) -> Command {
    let mut cargo = Command::new(place::cargo());
    cargo
        .args([
            "run",
            "--quiet",
            "--profile",
            profile.name(),
            "-p",
            "tests",
            "--bin",
            name,
            "--",
        ])
        .current_dir(place::root());
    cargo
}

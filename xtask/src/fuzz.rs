//! `cargo xtask fuzz`: set-up, build, and the comparison of verdicts with those of two oracles, whose exit code is ours.

use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::{ebpf, exec, place, setup};

/// Compares; `options` go to the program that does it.
pub fn run(options: &[String]) -> Result<ExitCode> {
    ensure!(
        exec::is_root(),
        "cargo xtask fuzz needs root: it loads XDP programs. \
         Run it in a root shell, or as: sudo env \"PATH=$PATH\" \"HOME=$HOME\" cargo xtask fuzz"
    );
    ebpf::build(&setup::everything()?.kernel)?;
    exec::stand_in(
        Command::new(place::cargo())
            .args([
                "run",
                "--quiet",
                "--release",
                "-p",
                "tests",
                "--bin",
                "fuzz",
                "--",
            ])
            .args(options)
            .current_dir(place::root()),
    )
}

//! `cargo xtask demo`: set-up, build, and the demo, whose exit code is ours.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{ebpf, exec, place, setup, user};

/// Runs the demo.
pub fn run() -> Result<ExitCode> {
    let tools = setup::everything()?;
    ebpf::build(&tools.kernel)?;
    let synwall = user::build()?;
    exec::stand_in(
        Command::new(place::cargo())
            .args(["run", "--quiet", "--release", "-p", "tests", "--bin", "demo"])
            .current_dir(place::root())
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_NGINX", tools.nginx),
    )
}

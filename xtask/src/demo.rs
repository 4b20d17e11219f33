//! `cargo xtask demo`: set-up, build, and the demo, whose exit code is ours.

use std::process::ExitCode;

use anyhow::Result;

use crate::{ebpf, exec, setup, user};

/// Runs the demo.
pub fn run() -> Result<ExitCode> {
    let tools = setup::everything()?;
    ebpf::build(&tools.kernel)?;
    let synwall = user::build()?;
    exec::stand_in(
        user::program_of_tests("demo")
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_NGINX", tools.nginx),
    )
}

//! `cargo xtask bench`: set-up, build, and the bench, whose exit code is ours.

use std::process::ExitCode;

use anyhow::Result;

use crate::place::Profile;
use crate::{ebpf, exec, place, setup, user};

/// Runs the bench with these arguments.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    exec::check_root("bench")?;
    let tools = setup::everything()?;
    setup::peers()?;
    ebpf::build(&tools.kernel)?;
    ebpf::build_bench(&tools.kernel)?;
    let synwall = user::build_beside("bench", Profile::Release)?;
    exec::stand_in(
        user::program_of_tests("bench", Profile::Release)
            .args(arguments)
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_BENCH_OBJECT", place::bench_object())
            .env("SYNWALL_NGINX", tools.nginx),
    )
}

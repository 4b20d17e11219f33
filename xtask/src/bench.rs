//! `cargo xtask bench`: set-up, build, and the bench, whose exit code is ours.

use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::{ebpf, exec, place, setup, user};

/// Runs the bench with these arguments.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    ensure!(
        exec::is_root(),
        "cargo xtask bench needs root: it makes network namespaces and loads XDP programs. \
         Run it in a root shell, or as: sudo env \"PATH=$PATH\" \"HOME=$HOME\" cargo xtask bench"
    );
    let tools = setup::everything()?;
    setup::peers()?;
    ebpf::build(&tools.kernel)?;
    ebpf::build_bench(&tools.kernel)?;
    let synwall = user::build()?;
    exec::stand_in(
        Command::new(place::cargo())
            .args([
                "run",
                "--quiet",
                "--release",
                "-p",
                "tests",
                "--bin",
                "bench",
                "--",
            ])
            .args(arguments)
            .current_dir(place::root())
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_BENCH_OBJECT", place::bench_object())
            .env("SYNWALL_NGINX", tools.nginx),
    )
}

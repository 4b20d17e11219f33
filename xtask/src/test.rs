//! `cargo xtask test`: set-up, build, and every test of the workspace. What Cargo prints last stays last.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{dist, ebpf, exec, place, setup, user};

/// Runs the tests; `filter` goes to the test harness. `thorough` makes those long that attack for a time or a number of
/// times.
pub fn run(filter: &[String], thorough: bool) -> Result<ExitCode> {
    exec::check_root("test")?;
    let tools = setup::everything()?;
    ebpf::build(&tools.kernel)?;
    // The bench is tested too: what its sides drop, not how fast.
    ebpf::build_bench(&tools.kernel)?;
    let synwall = user::build()?;
    let packages = dist::pack_for_tests(&synwall)?;
    // Most tests wait for packets that do not come: more of them than CPUs get on well with one another.
    let threads = std::env::var_os("RUST_TEST_THREADS").unwrap_or_else(|| "4".into());
    // filter-ebpf has no tests of its own: its tests run the real program, from the outside.
    let mut cargo = Command::new(place::cargo());
    if thorough {
        cargo.env("SYNWALL_THOROUGH", "1");
    }
    exec::stand_in(
        cargo
            .args([
                "test",
                "--release",
                "--no-fail-fast",
                "--workspace",
                "--exclude",
                "filter-ebpf",
                // All but examples in documentation, of which there are none.
                "--lib",
                "--bins",
                "--tests",
                "--",
            ])
            .args(filter)
            .current_dir(place::root())
            .env("RUST_TEST_THREADS", threads)
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_DIST", packages)
            .env("SYNWALL_NGINX", tools.nginx)
            .env("SYNWALL_PROMTOOL", setup::promtool()?),
    )
}

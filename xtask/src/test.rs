//! `cargo xtask test`: set-up, build, and the tests of the workspace. What Cargo prints last stays last.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::place::Profile;
use crate::stage::Stages;
use crate::{dist, ebpf, exec, place, setup, user};

/// Which tests.
#[derive(Clone, Copy)]
pub enum Part {
    /// All of them.
    Whole,
    /// Those that take seconds, and neither a web server nor packages.
    Quick,
    /// Those that the quick ones leave out.
    Rest,
}

/// The quick tests: units, and then what the kernel program does and what commands answer.
const UNITS: [&str; 6] = ["-p", "filter-common", "-p", "filter-user", "--lib", "--bins"];
const QUICK: [&str; 8] = [
    "-p", "tests", "--test", "packets", "--test", "commands", "--test", "alone",
];
/// Modules of these programs that take long.
const NOT_QUICK: [&str; 4] = [
    "--skip=hostile::",
    "--skip=inputs::",
    "--skip=load::",
    "--skip=oracle::",
];

/// All others, in the same way.
const REST: [&str; 14] = [
    "-p", "xtask", "-p", "tests", "--lib", "--bins", "--test", "commands", "--test", "alone", "--test",
    "host", "--test", "packets",
];
const NOT_REST: [&str; 3] = [
    "--skip=command_line::",
    "--skip=packet_table::",
    "--skip=verifier::",
];

/// filter-ebpf has no tests of its own: its tests run the real program, from the outside. All but examples in documentation, of
/// which there are none.
const WHOLE: [&str; 6] = [
    "--workspace",
    "--exclude",
    "filter-ebpf",
    "--lib",
    "--bins",
    "--tests",
];

/// Runs the tests; `filter` goes to the test harness. `thorough` makes those long that attack for a time or a number of
/// times.
pub fn run(part: Part, filter: &[String], thorough: bool) -> Result<ExitCode> {
    exec::check_root("test")?;
    match part {
        Part::Quick => quick(filter),
        Part::Whole => slow(&WHOLE, &[], filter, thorough),
        Part::Rest => slow(&REST, &NOT_REST, filter, thorough),
    }
}

fn quick(filter: &[String]) -> Result<ExitCode> {
    let mut stages = Stages::new(6);
    let tools = stages.run("what the quick tests need", setup::quick)?;
    stages.run("the kernel program", || ebpf::build(&tools))?;
    let synwall = stages.run("synwall", || user::build(Profile::Dev))?;
    stages.run("test programs", || {
        exec::run(cargo_test().args(["--no-run", "--quiet"]).args(UNITS))?;
        exec::run(cargo_test().args(["--no-run", "--quiet"]).args(QUICK))
    })?;
    stages.run("units", || {
        exec::run(cargo_test().args(UNITS).arg("--").args(filter))
    })?;
    stages.begin("packets, verifier, commands");
    exec::stand_in(
        cargo_test()
            .args(QUICK)
            .arg("--")
            .args(NOT_QUICK)
            .args(filter)
            .env("SYNWALL_BIN", synwall),
    )
}

fn slow(which: &[&str], without: &[&str], filter: &[String], thorough: bool) -> Result<ExitCode> {
    let mut stages = Stages::new(6);
    let tools = stages.run("what the tests need", || {
        let tools = setup::everything()?;
        Ok((tools, setup::promtool()?))
    });
    let (tools, promtool) = tools?;
    stages.run("the kernel program", || {
        ebpf::build(&tools.kernel)?;
        // The bench is tested too: what its sides drop, not how fast.
        ebpf::build_bench(&tools.kernel)
    })?;
    let synwall = stages.run("synwall", || user::build(Profile::Dev))?;
    stages.run("test programs", || {
        exec::run(cargo_test().args(["--no-run", "--quiet"]).args(which))
    })?;
    let packages = stages.run("packages", || {
        are_packages_tested(filter)?
            .then(|| dist::pack_for_tests(&synwall))
            .transpose()
    })?;
    stages.begin("tests");
    let mut cargo = cargo_test();
    if thorough {
        cargo.env("SYNWALL_THOROUGH", "1");
    }
    if let Some(packages) = packages {
        cargo.env("SYNWALL_DIST", packages);
    }
    exec::stand_in(
        cargo
            .args(which)
            .arg("--")
            .args(without)
            .args(filter)
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_NGINX", tools.nginx)
            .env("SYNWALL_PROMTOOL", promtool),
    )
}

/// Whether the filter leaves any test of packages: to make them takes longer than most of what one asks for by name.
fn are_packages_tested(filter: &[String]) -> Result<bool> {
    let mut cargo = cargo_test();
    cargo
        .args(["--quiet", "-p", "tests", "--test", "host", "--"])
        .args(filter)
        .arg("--list");
    Ok(exec::ask(&mut cargo)?
        .lines()
        .any(|test| test.starts_with("package::")))
}

fn cargo_test() -> Command {
    let mut cargo = Command::new(place::cargo());
    // Most tests wait for packets that do not come: more of them than CPUs get on well with one another.
    let threads = std::env::var_os("RUST_TEST_THREADS").unwrap_or_else(|| "4".into());
    cargo
        .args(["test", "--no-fail-fast"])
        .current_dir(place::root())
        .env("RUST_TEST_THREADS", threads);
    cargo
}

//! `cargo xtask test --kernels`: the tests that depend on the kernel, in Debian's kernels, each in an emulated machine
//! of its own; and `docs/kernels.md`, which says what was seen.

mod image;
mod machine;
mod plan;
mod results;
mod table;

use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};

use crate::place::Profile;
use crate::setup::{self, Kernel, Series};
use crate::{ebpf, exec, place, user};
use plan::Plan;
use results::Results;

/// Machines that run at the same time: each has two CPUs, of which it mostly uses one.
const AT_ONCE: usize = 2;

/// What runs there is emulated. Optimised, it takes little more than half the time, which saves more than the build takes.
const PROFILE: Profile = Profile::Release;

/// Runs the tests in kernels of these series; `filter` goes to the test harness.
pub fn run(series: &[Series], filter: &[String]) -> Result<ExitCode> {
    exec::check_root("test --kernels")?;
    let tools = setup::everything()?;
    let kernels = setup::kernels(series)?;
    ebpf::build(&tools.kernel)?;
    let synwall = user::build(PROFILE)?;
    let plan = Plan::build(PROFILE, filter)?;

    let begun = Instant::now();
    let directory = place::target().join("kernels");
    let programs = image::programs(&directory, &synwall, &tools.nginx, &plan)?;
    let boot = |kernel: &Kernel| {
        let directory = directory.join(kernel.series.name());
        let image = image::of_kernel(&directory, kernel, &programs)?;
        eprintln!("Booting Linux {} ({}).", kernel.version, kernel.release);
        let mut results = machine::run(&directory, kernel, &image)?;
        for group in plan.groups() {
            if !results.passed.iter().any(|passed| passed.starts_with(&group)) {
                results.fails(format!("not one test of {group} passed"));
            }
        }
        fs::remove_file(image)?;
        report(kernel, &results);
        Ok(results)
    };
    let results = side_by_side(&kernels, boot)?;
    fs::remove_file(programs)?;

    let failed = results
        .iter()
        .filter(|results| !results.failures.is_empty())
        .count();
    if failed == 0 && plan.is_whole() && series == Series::ALL {
        table::write(&kernels, &results)?;
    }
    let sum = |of: fn(&Results) -> usize| results.iter().map(of).sum::<usize>();
    println!(
        "\nkernels: {}. {} kernels passed; {failed} failed; {} skipped; finished in {} s",
        if failed == 0 { "ok" } else { "FAILED" },
        results.len() - failed,
        sum(|results| results.skipped.len()),
        begun.elapsed().as_secs()
    );
    // Last, and alone on its line: the sum over all kernels.
    println!(
        "{} passed, {} failed",
        sum(|results| results.passed.len()),
        sum(|results| results.failures.len())
    );
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Results in the order of the kernels, of which some run at the same time.
fn side_by_side(
    kernels: &[Kernel],
    boot: impl Fn(&Kernel) -> Result<Results> + Sync,
) -> Result<Vec<Results>> {
    let waiting = Mutex::new(kernels.iter().enumerate());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, kernel)) = next() {
                    let results = boot(kernel).with_context(|| format!("Linux {}", kernel.version));
                    if let Ok(mut done) = done.lock() {
                        done.push((number, results));
                    }
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .map_err(|_| anyhow!("a thread that ran a machine panicked"))?;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, results)| results).collect()
}

/// Says how a kernel did, all of it at once.
fn report(kernel: &Kernel, results: &Results) {
    let mut text = format!(
        "Linux {}: {} tests passed, {} skipped, {} s",
        kernel.version,
        results.passed.len(),
        results.skipped.len(),
        results.seconds
    );
    for (test, why) in &results.skipped {
        text += &format!("\n  skipped: {test}: {why}");
    }
    for failure in &results.failures {
        text += &format!("\n  FAILED: {failure}");
    }
    println!("{text}");
}

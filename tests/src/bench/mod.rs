//! The bench: what a packet costs with synwall, with the tools that it replaces, and at best.
//!
//! It runs in its own namespaces and mounts, and leaves only the report behind.

mod arguments;
mod blocks;
mod chart;
mod comparison;
mod console;
mod cpu;
mod flood;
mod markdown;
mod memory;
mod nic;
mod parts;
mod prefixes;
mod programs;
mod report;
mod rounds;
mod sides;
mod spread;
mod traffic;
mod wires;
mod wrk;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;

use crate::lab::{Lab, must};
use arguments::{Arguments, Part};
use parts::Bench;
use report::Report;
use sides::Workshop;

type Run = fn(&mut Bench);

/// The parts, in the order in which they run.
const PARTS: [(Part, Run); 9] = [
    (Part::FloodIpv4, parts::flood::ipv4),
    (Part::FloodIpv6, parts::flood::ipv6),
    (Part::Sizes, parts::flood::sizes),
    (Part::Strays, parts::flood::strays),
    (Part::ProgramCost, parts::program_cost::run),
    (Part::PrefixesIpv4, parts::prefixes::ipv4),
    (Part::PrefixesIpv6, parts::prefixes::ipv6),
    (Part::Honest, parts::honest::run),
    (Part::Update, parts::update::run),
];

/// Runs the bench and returns its exit code: 1 if a part failed. A missed target is a result, not a failure.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let lab = Lab::new();
    let mut bench = Bench {
        workshop: Workshop::new(lab.directory().to_owned()),
        pace: arguments.pace(),
        quick: arguments.quick,
        report: Report::default(),
    };
    let started = Instant::now();
    let mut failed = Vec::new();
    for (part, run) in PARTS.into_iter().filter(|(part, _)| arguments.wants(*part)) {
        let (sections, begun) = (bench.report.sections.len(), Instant::now());
        // A side that misbehaves fails its own part only.
        if catch_unwind(AssertUnwindSafe(|| run(&mut bench))).is_err() {
            failed.push(part);
        }
        for section in &bench.report.sections[sections..] {
            print!("{}", console::section(section));
        }
        eprintln!("({part:?} took {:.0} s)", begun.elapsed().as_secs_f64());
    }
    println!(
        "\n== Targets ==\n\n{}",
        console::table(&bench.report.targets_table())
    );
    eprintln!("The bench took {:.0} s.", started.elapsed().as_secs_f64());
    if arguments.writes() && failed.is_empty() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        must(
            format_args!("write the report into {}", docs.display()),
            markdown::write(&bench.report, &arguments.pace().to_string(), &docs),
        );
        eprintln!("docs/benchmarks.md and its charts are written.");
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("These parts failed, see the messages above: {failed:?}");
    ExitCode::FAILURE
}

//! `cargo xtask`: set-up, build, demo, tests, bench and lints of synwall, each in a file of its own name.
//! The workspace needs two compilers and a linker that Cargo does not fetch; this is where they come from.

mod bench;
mod demo;
mod deny;
mod dist;
mod ebpf;
mod exec;
mod fuzz;
mod fuzz_inputs;
mod house;
mod kernels;
mod lint;
mod place;
mod setup;
mod stage;
mod strip;
mod test;
mod user;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, build, try and test synwall")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the other tasks need (they do it themselves; a second run changes nothing)
    Setup,
    /// Build the kernel program and the `synwall` binary, as one installs it
    Build,
    /// Show synwall at work in network namespaces of its own
    Demo,
    /// Run all tests, against the real kernel (needs root)
    Test {
        /// Attack longer: minutes of flood, thousands of kills
        #[arg(long)]
        thorough: bool,
        /// Only what takes seconds: units, the packet table, the verifier, the command line; no web server, no packages
        #[arg(long, conflicts_with_all = ["thorough", "rest", "kernels"])]
        quick: bool,
        /// Only what --quick leaves out
        #[arg(long, conflicts_with = "kernels")]
        rest: bool,
        /// Instead: what depends on the kernel, in Debian's kernels (5.10, 6.1, 6.12, newest), under qemu
        #[arg(
            long,
            value_name = "SERIES,…",
            num_args = 0..=1,
            require_equals = true,
            value_delimiter = ',',
            default_missing_value = "5.10,6.1,6.12,newest",
            conflicts_with = "thorough"
        )]
        kernels: Option<Vec<String>>,
        /// Handed to the test harness: a part of a test's name, --nocapture, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        filter: Vec<String>,
    },
    /// Measure synwall beside what it replaces, and write docs/benchmarks.md (needs root; 6 minutes)
    Bench {
        /// Handed to the bench: --quick, --only PART,…; `-- --help` shows them all
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compare verdicts with those of two oracles, on frames made at random (needs root)
    Fuzz {
        /// Handed to the comparison: --frames 1000000, --seconds 60, --seed 7, --netfilter
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Look for lists, options and contents of pinned maps that are read wrongly, with libFuzzer
    FuzzInputs {
        /// How long, for each kind of input
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Some kinds only: the names of directories in tests/corpus
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Check the order of the layers and formatting, and run clippy; every warning is an error
    Lint,
    /// Build the documentation; every warning is an error
    Doc,
    /// Check the licences, versions and sources of all crates, and what is known against them
    Deny,
    /// Make the Debian package and the tarball, in target/dist
    Dist,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Setup => setup::everything().map(|_| ExitCode::SUCCESS),
        Task::Build => build().map(|()| ExitCode::SUCCESS),
        Task::Demo => demo::run(),
        Task::Test {
            kernels: Some(series),
            filter,
            ..
        } => series
            .iter()
            .map(|name| setup::Series::named(name))
            .collect::<Result<Vec<_>>>()
            .and_then(|series| kernels::run(&series, &filter)),
        Task::Test {
            thorough,
            quick,
            rest,
            filter,
            ..
        } => {
            let part = match (quick, rest) {
                (true, _) => test::Part::Quick,
                (_, true) => test::Part::Rest,
                _ => test::Part::Whole,
            };
            test::run(part, &filter, thorough)
        }
        Task::Bench { arguments } => bench::run(&arguments),
        Task::Fuzz { options } => fuzz::run(&options),
        Task::FuzzInputs { seconds, only } => fuzz_inputs::run(seconds, &only).map(|()| ExitCode::SUCCESS),
        Task::Lint => lint::run().map(|()| ExitCode::SUCCESS),
        Task::Doc => lint::documentation().map(|()| ExitCode::SUCCESS),
        Task::Deny => deny::run().map(|()| ExitCode::SUCCESS),
        Task::Dist => dist::run().map(|()| ExitCode::SUCCESS),
    };
    // Not returned from main: that would show a backtrace where RUST_BACKTRACE is set for the tests' sake.
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn build() -> Result<()> {
    let mut stages = stage::Stages::new(3);
    let tools = stages.run("what building needs", setup::kernel_tools)?;
    stages.run("the kernel program", || ebpf::build(&tools))?;
    let binary = stages.run("synwall", || user::build(place::Profile::Release))?;
    eprintln!("synwall is built: {}", binary.display());
    Ok(())
}

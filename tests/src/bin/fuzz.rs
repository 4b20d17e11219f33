//! `cargo xtask fuzz`: compares the program in the kernel with two oracles, on frames made at random.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use tests::oracle::netfilter::{self, Script};

#[derive(Parser)]
#[command(
    name = "cargo xtask fuzz --",
    about = "Compare synwall's verdicts with those of an oracle (needs root)"
)]
struct Cli {
    /// Stop after so many frames
    #[arg(long, default_value_t = 1_000_000)]
    frames: u64,
    /// Stop after so many seconds
    #[arg(long)]
    seconds: Option<u64>,
    /// Begin with this seed: a difference names its own
    #[arg(long)]
    seed: Option<u64>,
    /// Compare with the iptables scripts that synwall replaces, in turn, not with the reference
    #[arg(long)]
    netfilter: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let most = cli.seconds.map_or(Duration::MAX, Duration::from_secs);
    eprintln!("from seed {seed} on, up to {} frames", cli.frames);
    if cli.netfilter {
        return scripts(seed, cli.frames);
    }
    let mut told = Duration::ZERO;
    let summary = tests::oracle::run(seed, |summary| {
        let elapsed = summary.elapsed();
        if elapsed.saturating_sub(told) > Duration::from_secs(10) {
            told = elapsed;
            let (frames, differences) = (summary.frames, summary.differences());
            eprintln!("{frames} frames, {differences} differences");
        }
        summary.frames < cli.frames && elapsed < most
    });
    println!("{summary}");
    if summary.differences() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn scripts(seed: u64, frames: u64) -> ExitCode {
    let mut agree = true;
    for script in Script::ALL {
        let totals = netfilter::run(script, seed, frames / Script::ALL.len() as u64);
        println!("{script:?} script:\n{totals}");
        agree &= totals.unexplained.is_empty();
    }
    if agree {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! The definition of the command line, from arguments to an exit code.

use std::{io, path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};
use filter_user::{model::entry::Action, pins::directory};

use super::{
    config, confirm, down, error, generate, lists, logging,
    output::{self, Output},
    run, set, source, stats, status, up,
};

/// Hides an origin server behind its reverse proxy: an XDP program drops new connections to the protected
/// ports (TCP 80 and 443) from everyone outside the trusted prefixes, before the kernel spends anything on
/// them.
#[derive(Parser)]
#[command(
    name = "synwall",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 done; 1 the answer is no, or it failed; 2 wrong usage.\n\
    Example: synwall up eth0 --provider qrator --trust 198.51.100.0/24=office --observe"
)]
struct Cli {
    /// Where on the BPF file system the filter is kept; another directory is another filter
    #[arg(long, global = true, env = "SYNWALL_PIN_DIR", default_value = directory::DEFAULT, value_name = "DIR")]
    pin_dir: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Up(up::options::Up),
    Confirm(confirm::Confirm),
    Down(down::Down),
    Status(status::Status),
    /// Change or show the prefixes whose connections get through
    #[command(after_help = "Example: synwall trust add 198.51.100.0/24 --label office")]
    Trust {
        #[command(subcommand)]
        verb: lists::SourceVerb,
    },
    /// Change or show the prefixes that are dropped although a wider one is trusted
    #[command(after_help = "Example: synwall deny add 198.51.100.66 --for 20m")]
    Deny {
        #[command(subcommand)]
        verb: lists::SourceVerb,
    },
    /// Change or show the former addresses of this host: they answer nothing, whatever the protocol
    #[command(after_help = "Example: synwall retire add 203.0.113.10 --label before-the-proxy")]
    Retire {
        #[command(subcommand)]
        verb: lists::RetireVerb,
    },
    Stats(stats::Stats),
    Set(set::Set),
    Run(run::Run),
    /// Show or fetch the lists that the agent gets from elsewhere
    #[command(after_help = "Example: synwall source list")]
    Source {
        #[command(subcommand)]
        verb: source::SourceVerb,
    },
    Generate(generate::Generate),
    /// Check or show a configuration file
    #[command(after_help = "Example: synwall config check")]
    Config {
        #[command(subcommand)]
        verb: config::verb::ConfigVerb,
    },
}

/// Runs the command, and returns its exit code.
pub fn run() -> ExitCode {
    let Cli { pin_dir, verb } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    // This does not ask the file system: it fails for an empty path alone.
    let pin_dir = std::path::absolute(&pin_dir).unwrap_or(pin_dir);
    let mut output = Output;
    if let Err(error) = logging::begin() {
        return report(&error.into());
    }
    let done = match verb {
        Verb::Up(up) => up.run(&pin_dir),
        Verb::Confirm(confirm) => confirm.run(&pin_dir),
        Verb::Down(down) => down.run(&pin_dir),
        Verb::Status(status) => status.run(&pin_dir, &mut output),
        Verb::Trust { verb } => verb.run(Action::Trust, &pin_dir, &mut output),
        Verb::Deny { verb } => verb.run(Action::Deny, &pin_dir, &mut output),
        Verb::Retire { verb } => verb.run(&pin_dir, &mut output),
        Verb::Stats(stats) => stats.run(&pin_dir, &mut output),
        Verb::Set(set) => set.run(&pin_dir),
        Verb::Run(run) => run.run(&pin_dir),
        Verb::Source { verb } => verb.run(&mut output),
        Verb::Generate(generate) => generate.run(&Cli::command()),
        Verb::Config { verb } => verb.run(&mut output),
    };
    match done {
        Ok(code) => code,
        Err(error) => report(&error),
    }
}

fn report(error: &anyhow::Error) -> ExitCode {
    // A reader of our output may stop early, as `head` does.
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    output::error(error);
    error::exit_code(error)
}

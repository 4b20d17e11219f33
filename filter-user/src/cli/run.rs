//! `synwall run`.

use std::{
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use filter_user::{
    agent::{self, Options},
    config,
    error::escaped,
};
use log::{Level, LevelFilter, Log, Metadata, Record};

/// Keep the filter as a configuration file says: the agent, in the foreground, for a service manager
#[derive(Args)]
#[command(after_help = "Example: synwall run --config /etc/synwall/synwall.toml\n\
    SIGHUP reads everything again; SIGTERM ends it, and the filter stays in force.")]
pub struct Run {
    /// The configuration file
    #[arg(
        long,
        env = "SYNWALL_CONFIG",
        value_name = "FILE",
        default_value = config::DEFAULT
    )]
    config: PathBuf,
    #[command(flatten)]
    state: StateDir,
}

#[derive(Args)]
pub struct StateDir {
    /// Where last good copies of the configuration and of lists are kept
    #[arg(
        long,
        env = "STATE_DIRECTORY",
        value_name = "DIR",
        default_value = "/var/lib/synwall"
    )]
    state_dir: PathBuf,
}

impl StateDir {
    pub fn absolute(&self) -> std::io::Result<PathBuf> {
        std::path::absolute(&self.state_dir)
    }
}

impl Run {
    pub fn run(self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        log::set_logger(&ToStandardError)?;
        log::set_max_level(LevelFilter::Info);
        agent::run(Options {
            config: std::path::absolute(self.config)?,
            pin_dir: pin_dir.to_owned(),
            state_dir: self.state.absolute()?,
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A line for each message, with a priority that journald understands (`sd-daemon(3)`).
struct ToStandardError;

impl Log for ToStandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What libraries have to say comes with our own errors.
        metadata.target().starts_with("filter_user")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = escaped(&record.args().to_string()).replace('\n', "\\n");
        let mut stderr = std::io::stderr().lock();
        let (priority, word) = match record.level() {
            Level::Error => (3, "error: "),
            Level::Warn => (4, "warning: "),
            _ => (6, ""),
        };
        // Where nobody can be told, there is nobody to tell it.
        let _ = if stderr.is_terminal() || std::env::var_os("JOURNAL_STREAM").is_none() {
            writeln!(stderr, "{word}{message}")
        } else {
            writeln!(stderr, "<{priority}>{message}")
        };
    }

    fn flush(&self) {}
}

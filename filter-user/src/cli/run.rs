//! `synwall run`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use filter_user::{
    agent::{controller::Options, run},
    config::contents::DEFAULT,
};

use super::logging;

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
        default_value = DEFAULT
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
        logging::tell_more();
        run::run(Options {
            config: std::path::absolute(self.config)?,
            pin_dir: pin_dir.to_owned(),
            state_dir: self.state.absolute()?,
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

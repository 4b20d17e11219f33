//! The verbs of `synwall config`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use filter_user::config::contents::DEFAULT;

use super::{check, show};
use crate::cli::output::Output;

#[derive(Subcommand)]
pub enum ConfigVerb {
    /// Read the file and the lists that it names, and say what is wrong; exit code 0 if nothing is
    #[command(after_help = "Example: synwall config check && systemctl reload synwall\n\
        Needs no privileges but those to read the files, and changes nothing.")]
    Check(File),
    /// Print what is in force with the file: every default filled in, providers as sources
    #[command(after_help = "Example: synwall config show /etc/synwall/synwall.toml\n\
        What it prints is a configuration file again.")]
    Show(File),
}

#[derive(Args)]
pub struct File {
    /// The configuration file
    #[arg(env = "SYNWALL_CONFIG", value_name = "FILE", default_value = DEFAULT)]
    file: PathBuf,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

impl ConfigVerb {
    pub fn run(self, output: &mut Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(File { file, json }) => check::run(&file, json, output),
            Self::Show(File { file, json }) => show::run(&file, json, output),
        }
    }
}

//! Why a program gave no list.

use std::{io, os::unix::process::ExitStatusExt as _, path::PathBuf, process::ExitStatus, time::Duration};

use crate::{feed::definition::MAX_BYTES, model::duration, sys::path::Exposed, text::shown};

/// Why a program gave no list.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {program}: {why}")]
pub struct ExecError {
    /// The program.
    pub program: PathBuf,
    /// What went wrong.
    pub why: Why,
}

/// Why running a program failed.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Its path is relative.
    #[error("its path has to be absolute (start with /)")]
    NotAbsolute,
    /// Other users can change it.
    #[error("it can be changed by {0}; let only root and whoever runs synwall write there")]
    Exposed(Exposed),
    /// It is not an executable file.
    #[error("it is not an executable file (chmod +x)")]
    NotExecutable,
    /// It cannot be examined, started or waited for.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It would inherit capabilities.
    #[error("it would have the agent's capabilities: {0}")]
    Capabilities(caps::errors::CapsError),
    /// It ended with an error.
    #[error("it ended with {}{}", ending(*.status), colon(.complaint))]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The first line of its standard error.
        complaint: String,
    },
    /// Its output is too long.
    #[error("it printed more than {} MiB, and was killed", MAX_BYTES >> 20)]
    TooLarge,
    /// The time limit has passed.
    #[error("it was not done after {}, and was killed", duration::format(*.0))]
    TooSlow(Duration),
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn colon(complaint: &str) -> String {
    if complaint.is_empty() {
        return String::new();
    }
    format!(": {}", shown(complaint))
}

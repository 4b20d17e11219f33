//! Why a file of prefixes cannot be read or written.

use std::{io, path::PathBuf};

use super::lines::BadLine;
use crate::{
    model::entry::Action,
    sys::{self, path::Exposed},
};

/// A result of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file of prefixes cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel or the file system refused something.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// A line that cannot be used.
    #[error("{file}:{line}")]
    ListLine {
        /// The file, `-` for standard input.
        file: String,
        /// What is wrong with which line.
        line: BadLine,
    },
    /// A list file that cannot be read.
    #[error("cannot read the list {file}: {source}; check the path and its permissions")]
    ListFile {
        /// The file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A list file that other users can change.
    #[error(
        "the list {file} was not read, because it can be changed by {exposed}; let only root and whoever runs synwall write there, or, if you have looked at it, hand it over as standard input (- < {file})"
    )]
    ExposedList {
        /// The file.
        file: String,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A prefix of length 0 in a file.
    #[error(
        "{file}:{line}: {prefix} covers every address, and is not taken from a file; name the networks that are meant. The whole list was left alone"
    )]
    WholeInternetListed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The prefix.
        prefix: ipnet::IpNet,
    },
    /// A state directory that other users can change.
    #[error(
        "the state directory {path} is not used, because it can be changed by {exposed}; let only root and whoever runs synwall write there"
    )]
    ExposedState {
        /// The directory.
        path: PathBuf,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A copy that is not as it was written.
    #[error("the copy {path} is not used: {reason}")]
    DamagedCopy {
        /// The copy.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another agent holds the lock of the state directory.
    #[error(
        "another agent (synwall run) keeps its copies in {path}; stop that one, or give this one another directory: --state-dir DIR"
    )]
    OtherAgentsCopies {
        /// The directory.
        path: PathBuf,
    },
    /// `--save` without a configuration file, next to which lists are saved.
    #[error(
        "there is no configuration {file}, beside which --save keeps lists for the agent; write it (a line is enough: interfaces = [\"eth0\"]), name yours with --config FILE, or leave out --save"
    )]
    NoConfig {
        /// The file.
        file: String,
    },
    /// A list that could not be saved.
    #[error("cannot save in {file}: {source}; nothing was changed")]
    NotSaved {
        /// The list.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A label that a list file would not give back as it is.
    #[error(
        "label '{0}' cannot be saved: in a list file # begins a comment, spaces at the ends are lost, and what begins with an address is a second one; choose another"
    )]
    LabelNotSaved(String),
    /// A prefix of length 0, which no file may have.
    #[error(
        "{prefix} covers every address, and is not taken from a file, so it cannot be saved; leave out --save"
    )]
    WholeInternetSaved {
        /// The prefix.
        prefix: ipnet::IpNet,
    },
    /// A prefix that another saved list has.
    #[error(
        "{prefix} is saved as a {present} entry and cannot be saved as a {wanted} entry too; remove it there first: synwall {present} remove {prefix} --save"
    )]
    SavedElsewhere {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// The list that has it.
        present: Action,
        /// The list that it was to be saved in.
        wanted: Action,
    },
}

//! Why there is no new list, in the words of the person at the console.

use std::{io, path::PathBuf};

use super::{dns_txt::TxtError, exec::ExecError, guard::Refused, https::HttpsError};
use crate::sys::path::Exposed;

/// Why there is no new list.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The web server did not give it.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// DNS did not give it.
    #[error(transparent)]
    DnsTxt(#[from] TxtError),
    /// The program did not give it.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file can be changed by others.
    #[error(
        "{path} was not read, because it can be changed by {exposed}; let only root and whoever runs synwall write there"
    )]
    ExposedFile {
        /// The file.
        path: PathBuf,
        /// Who can change what.
        exposed: Exposed,
    },
    /// The file is not whole.
    #[error(
        "{0} was not read, since somebody is writing to it; put another file in its place when it is whole (mv)"
    )]
    BeingWritten(PathBuf),
    /// What came is no list.
    #[error("what came is not a list: {0}")]
    Unreadable(String),
    /// What came is a list that can hardly be meant.
    #[error("{refused}; if it is right: synwall source refresh {name} --force")]
    Refused {
        /// The feed's name.
        name: String,
        /// What is wrong with it.
        refused: Refused,
    },
    /// It is built in, and there is nothing to fetch.
    #[error("source {0} is built in: there is nothing to fetch")]
    BuiltIn(String),
    /// It could not be kept on disk, so it is not used either.
    #[error(transparent)]
    Kept(#[from] crate::Error),
}

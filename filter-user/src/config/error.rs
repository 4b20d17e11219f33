//! Why a configuration cannot be used.

use std::io;

use super::mistake::Mistake;
use crate::{
    model::entry::Action,
    sys::{self, path::Exposed},
};

/// A result of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel or the file system refused something.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// A mistake in the file.
    #[error("{0}")]
    Mistake(Mistake),
    /// A file that cannot be read.
    #[error(
        "cannot read the configuration {file}: {source}; check the path (--config FILE) and its permissions"
    )]
    File {
        /// The file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// A file that other users can change.
    #[error(
        "the configuration {file} was not read, because it can be changed by {exposed}; let only root and whoever runs synwall write there"
    )]
    Exposed {
        /// The file.
        file: String,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A prefix that another list outranks, so that saving it would have no effect.
    #[error(
        "{prefix}: {stands} goes before what --save keeps, so it would not be in force as a {wanted} entry for long; take it out there first, or {wanted} longer prefixes of it"
    )]
    Outranked {
        /// The prefix.
        prefix: ipnet::IpNet,
        /// The entry that wins.
        stands: String,
        /// The list that it was to be saved in.
        wanted: Action,
    },
}

impl From<Mistake> for Error {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

//! Errors of the agent.

use crate::{config, files, filter, pins, sys};

/// A result with an error of the agent.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the agent cannot start or end as it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel or the file system refused something.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// The pin directory cannot be used.
    #[error(transparent)]
    Pins(#[from] pins::error::Error),
    /// The filter cannot be opened or changed.
    #[error(transparent)]
    Filter(#[from] filter::error::Error),
    /// A list file, or a last good copy, cannot be used.
    #[error(transparent)]
    Files(#[from] files::error::Error),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] config::error::Error),
}

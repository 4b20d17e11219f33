//! Why a fetch gave no new list.

use super::{dns_txt::TxtError, exec::error::ExecError, file::FileError, guard::Refused, https::HttpsError};

/// A result of fetching.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a fetch gave no new list.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The web server gave no list.
    #[error(transparent)]
    Https(#[from] HttpsError),
    /// DNS gave no list.
    #[error(transparent)]
    DnsTxt(#[from] TxtError),
    /// The program gave no list.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The answer is not a list.
    #[error("what came is not a list: {0}")]
    Unreadable(String),
    /// The guards refused the list.
    #[error("{refused}; if it is right: synwall source refresh {name} --force")]
    Refused {
        /// The feed's name.
        name: String,
        /// The reason.
        refused: Refused,
    },
    /// The list is built in.
    #[error("source {0} is built in: there is nothing to fetch")]
    BuiltIn(String),
    /// The list could not be saved, so it is not used either.
    #[error(transparent)]
    Kept(#[from] crate::files::error::Error),
}

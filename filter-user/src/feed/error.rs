//! Why there is no new list, in the words of the person at the console.

use super::{dns_txt::TxtError, exec::error::ExecError, file::FileError, guard::Refused, https::HttpsError};

/// A result of fetching.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no new list.
#[derive(Debug, thiserror::Error)]
pub enum Error {
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
    #[error(transparent)]
    File(#[from] FileError),
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
    Kept(#[from] crate::files::error::Error),
}

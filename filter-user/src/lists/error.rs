//! Errors of the lists layer.

use crate::{pins, sys};

/// The result type of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why lists cannot be read or put in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// A pinned map cannot be used.
    #[error(transparent)]
    Pins(#[from] pins::error::Error),
    /// More entries than a map has room for. Nothing was changed.
    #[error(
        "{wanted} {what} do not fit: a filter holds {limit} at the most; nothing was changed, aggregate the list (for example with iprange or aggregate6)"
    )]
    Full {
        /// How many entries the lists would have.
        wanted: usize,
        /// How many entries there is room for.
        limit: usize,
        /// What kind of entries, as in "IPv4 prefixes".
        what: &'static str,
    },
}

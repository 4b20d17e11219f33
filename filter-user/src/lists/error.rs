//! Why lists cannot be read or put in force.

use crate::{pins, sys};

/// A result of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why lists cannot be read or put in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused something.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// A pinned map cannot be used.
    #[error(transparent)]
    Pins(#[from] pins::error::Error),
    /// More prefixes than a map takes.
    #[error(
        "{wanted} {what} do not fit: a filter holds {limit} at the most; nothing was changed, aggregate the list (for example with iprange or aggregate6)"
    )]
    Full {
        /// How many there would be.
        wanted: usize,
        /// How many there can be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

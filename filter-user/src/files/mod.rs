//! Files with prefixes: list files that users write, the lists of `--save`, and last good copies.

#[cfg(feature = "agent")]
pub(crate) mod edit;
pub mod error;
#[cfg(feature = "agent")]
pub(crate) mod last_good;
pub mod lines;
pub mod list_file;
#[cfg(feature = "agent")]
pub mod saved;
#[cfg(feature = "agent")]
pub mod saved_list;

//! The pin directory: where a filter lies on the BPF file system.

pub mod directory;
pub mod error;
pub(crate) mod generation;
pub(crate) mod layout;
pub(crate) mod names;
mod place;

//! The pin directory: the directory on the BPF file system in which a filter pins its maps and links.

pub mod directory;
pub mod error;
pub(crate) mod generation;
pub(crate) mod layout;
pub(crate) mod names;
mod place;

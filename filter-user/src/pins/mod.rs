//! The pin directory: the directory on the BPF file system in which a filter pins its maps and links.

pub mod directory;
pub mod error;
pub mod generation;
pub mod layout;
pub mod names;
mod place;

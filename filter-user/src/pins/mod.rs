//! The pin directory: where a filter lies on the BPF file system.

pub mod directory;
pub mod error;
pub mod generation;
pub mod layout;
pub mod names;
mod place;

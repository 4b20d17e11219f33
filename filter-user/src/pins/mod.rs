//! The pin directory: where a filter lies on the BPF file system.

pub mod directory;
pub mod layout;

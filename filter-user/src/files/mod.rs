//! Files with prefixes: list files that users write, the lists of `--save`, and last good copies.

pub mod edit;
pub mod error;
pub mod last_good;
pub mod lines;
pub mod list_file;
pub mod saved;
pub mod saved_list;

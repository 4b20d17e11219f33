//! Files of prefixes: those that people write, those of `--save`, and last good copies.

pub mod last_good;
pub mod list_file;
pub mod saved_list;

//! The lists of a filter: trusted, denied and retired prefixes, in the kernel's maps.
//!
//! A generation is one version of all lists. There are two, and one of them is in force. Each has LPM tries for
//! the program, and a table, labels and origins for users.

pub mod counters;
pub mod coverage;
pub(crate) mod covered;
pub mod error;
pub(crate) mod expiries;
pub(crate) mod generation;
pub mod header;
pub mod in_force;
pub mod in_place;
pub(crate) mod intent;
pub mod names;
pub mod reader;
pub mod record;
pub mod sources;
pub mod summary;
pub mod table;
pub mod tries;

//! A generation of the lists: what the kernel program reads of it, and what users see.

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
pub mod record;
pub mod sources;
pub mod summary;
pub mod table;
pub mod tries;

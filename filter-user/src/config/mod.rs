//! The configuration file: what the agent brings about.
//!
//! A text is read as [`file::File`], whose mistakes are told by [`mistake`], then [`check`]ed and understood as [`contents`];
//! [`show`] goes the way back.

mod check;
mod checker;
pub mod contents;
mod entries;
pub mod error;
mod file;
mod interface;
mod location;
pub mod mistake;
pub mod ranks;
mod read;
pub mod reference;
#[cfg(test)]
mod round_trip;
pub mod schema;
pub mod show;
mod source;
mod url;

//! The configuration file, which is the agent's desired state.
//!
//! The text is deserialised as `file::File` and checked (`check`), which gives [`contents`]. [`mistake`] words what is wrong.
//! [`show`] goes the other way.

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

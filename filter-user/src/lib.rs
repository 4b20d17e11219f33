//! The loader of `synwall`: the pinned maps, the programs, the links, and what the command line does
//! with them.
//!
//! A command goes argument → plan → apply → print. What is planned is pure ([`rules`], [`settings`],
//! [`ports`], [`prefix`]); [`instance`] applies it to the kernel, whose state is the only truth.

pub mod agent;
pub mod attach;
pub mod attachment;
pub mod batch;
mod beside;
pub mod change;
pub mod clock;
pub mod config;
pub mod counters;
pub mod coverage;
pub mod duration;
pub mod entry;
pub mod error;
pub mod expiries;
pub mod feed;
pub mod generation;
pub mod in_place;
pub mod instance;
pub mod interface;
pub mod interfaces;
pub mod last_good;
pub mod layout;
pub mod list_file;
pub mod lists;
mod lock;
pub mod map_in_map;
pub mod mapped;
pub mod metrics;
pub mod names;
pub mod pins;
pub mod ports;
pub mod prefix;
pub mod preflight;
pub mod program;
pub mod progress;
pub mod provider;
pub mod rules;
pub mod saved_list;
pub mod settings;
pub mod signature;
pub mod sources;
pub mod summary;
pub mod table;
pub mod tries;
pub mod trusted_file;
pub mod trusted_path;

pub use error::{Error, Result};

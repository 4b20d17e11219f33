//! Lists that others publish. They are fetched at intervals, checked, and kept on disk for the next boot.
//!
//! Users call them sources. In the code that word means the networks that packets come from.

pub mod definition;
pub mod dns_txt;
pub mod error;
pub mod exec;
pub(crate) mod fetch;
pub mod file;
pub mod guard;
pub mod https;
pub mod provider;
pub mod read;
pub mod refresh;
pub(crate) mod schedule;
pub mod store;

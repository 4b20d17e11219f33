//! Calls to the kernel and the file system. Nothing in this layer knows what a filter is.

pub mod addresses;
pub mod bpf;
pub mod clock;
pub mod error;
pub(crate) mod file;
pub mod flock;
#[cfg(feature = "agent")]
pub(crate) mod link_events;
pub mod netlink;
pub mod path;
pub mod preflight;
pub mod random;
#[cfg(feature = "agent")]
pub(crate) mod replace;
#[cfg(feature = "agent")]
pub(crate) mod signature;
pub(crate) mod spawn;

//! Calls to the kernel and the file system. Nothing in this layer knows what a filter is.

pub mod bpf;
pub mod clock;
pub mod error;
pub mod file;
pub mod flock;
#[cfg(feature = "agent")]
pub mod link_events;
pub mod netlink;
pub mod path;
pub mod preflight;
pub mod random;
pub mod signature;
pub mod spawn;

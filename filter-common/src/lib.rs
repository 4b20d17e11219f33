//! What the kernel program and user space share: the layouts of the maps, the reasons, the limits.
//!
//! Everything here is `#[repr(C)]` without implicit padding: a key with padding loads and then misses,
//! and a value with padding shows the kernel's old bytes. Each layout states its size.
#![no_std]

mod counters;
mod entry;
mod limits;
mod reason;
mod settings;
mod sources;

pub use counters::{Chunked, Count, PrefixCount};
pub use entry::{Action, Decision, Expiry, SLOT_LIMIT};
pub use limits::*;
pub use reason::{InterfaceCounts, REASONS, Reason};
pub use settings::{DropLevel, InterfaceRecord};
pub use sources::{
    NETWORKS_PER_SET, SETS, SourceNetwork, SourceSets, network_of_ipv4, network_of_ipv6, set_of_network,
};

#[cfg(feature = "user")]
mod pod;

//! What the kernel program and user space share: layouts of maps, constants of the program, drop reasons, limits, and
//! offsets in packet headers.
//!
//! Each layout is `#[repr(C)]` without padding. A key with padding would load and then never match, and a value with
//! padding would show old bytes of the kernel.
#![no_std]

mod constants;
mod counters;
mod coverage;
mod entry;
mod hash;
pub mod headers;
mod limits;
mod numbered;
mod reason;
mod settings;
mod sources;

pub use constants::Constants;
pub use counters::{Chunked, Count, PrefixCount, RecentCount, RecentCounts};
pub use coverage::{
    Bit, Coarse, CoverageV4, CoverageV6, FINE_BITS_PER_KEY, FINE_LEN_MIN, FINE_WORDS, FINE_WORDS_MIN,
    coarse_of_word, coarse_v4, coarse_v6, fine_v4, fine_v6,
};
pub use entry::{Action, Decision, Expiry, SLOT_LIMIT};
pub use limits::*;
pub use reason::{InterfaceCounts, REASONS, Reason};
pub use settings::{DropLevel, InterfaceRecord};
pub use sources::{
    CountedNetwork, NETWORKS, NETWORKS_PER_SET, SCORE_DECAY, SCORE_MAX, SETS, SourceNetwork, SourceNetworks,
    SourceSet, SourceSets, TURNS, is_ipv4,
};

#[cfg(feature = "user")]
mod pod;

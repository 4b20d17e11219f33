//! The table of networks that drops come from.
//!
//! One table a CPU, of a fixed size, in sets of eight places. A network with a place is counted exactly from the
//! moment it got it; what comes from networks without one is counted together, as what the set has lost. So a
//! count is never too high, and too low by at most what the set had lost before: that is its error. While every
//! network finds a place, nothing is lost and all counts are exact.
//!
//! Places change hands by score, as in Elastic Sketch (Yang et al., SIGCOMM 2018) with the hand of the CLOCK
//! algorithm: a score rises with every packet of its network, and while others are turned away, a hand goes round
//! the set and takes points off. A flood of random sources, of which none comes again, turns over places that
//! nothing holds; what comes again and again keeps its own.

use crate::hash::mix;

/// Networks in a set.
pub const NETWORKS_PER_SET: usize = 8;

/// Sets in a table. A power of two.
pub const SETS: usize = 128;

/// Networks in a table.
pub const NETWORKS: usize = SETS * NETWORKS_PER_SET;

/// Packets that a set turns away for each step of its hand.
pub const TURNS: u64 = 32;

/// The highest score: how long a network that has stopped to send keeps its place.
pub const SCORE_MAX: u16 = 1 << 10;

/// The part of a score, as a shift, that the hand takes off, rounded up.
pub const SCORE_DECAY: u32 = 6;

/// What a packet looks at first: one cache line for eight networks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceSet {
    /// A part of each network's hash, see [`CountedNetwork::tag`]; 0 for an empty place.
    pub tags: [u32; NETWORKS_PER_SET],
    /// How firmly each network holds its place.
    pub scores: [u16; NETWORKS_PER_SET],
    /// Packets of networks without a place, and of networks that lost theirs. Where the hand stands follows from it.
    pub lost: u64,
    /// Keeps sets on lines of their own.
    pub reserved: u64,
}

/// The sets of one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceSets {
    /// The sets; a network can stand only in that of [`CountedNetwork::set`].
    pub sets: [SourceSet; SETS],
}

/// A network with a place, and what it had dropped since it got it, on one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceNetwork {
    /// [`CountedNetwork::network`].
    pub network: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes, from the Ethernet header on.
    pub bytes: u64,
    /// Packets that the network may have had before: what the set had lost then.
    pub error: u64,
}

/// The networks of one CPU; those of a set stand together.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceNetworks {
    /// Place `p` of set `s` is number `s * NETWORKS_PER_SET + p`.
    pub networks: [SourceNetwork; NETWORKS],
}

const _: () = assert!(size_of::<SourceSet>() == 64);
const _: () = assert!(size_of::<SourceNetwork>() == 32);
// The kernel gives a value of a per-CPU map 32 KiB at the most (PCPU_MIN_UNIT_SIZE).
const _: () = assert!(size_of::<SourceSets>() == 8 * 1024);
const _: () = assert!(size_of::<SourceNetworks>() == 32 * 1024);

/// The network that a packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedNetwork {
    /// The first 64 bits of its address, as a number, without those behind the network; of an IPv4 address the
    /// 32 bits.
    pub network: u64,
    hash: u64,
}

/// The lowest bits of a tag tell the IP version.
const TAG_IPV4: u32 = 2;
const TAG_IPV6: u32 = 3;

impl CountedNetwork {
    /// The network of an IPv4 address, of which `mask` keeps the network's bits. `secret` keeps an attacker from choosing
    /// networks that all fall into one set.
    #[inline(always)]
    pub const fn ipv4(address: u32, mask: u32, secret: u64) -> Self {
        let network = (address & mask) as u64;
        Self {
            network,
            hash: mix(network, secret) & !3 | TAG_IPV4 as u64,
        }
    }

    /// The network of an IPv6 address, given the first 64 bits of both as numbers.
    #[inline(always)]
    pub const fn ipv6(upper: u64, mask: u64, secret: u64) -> Self {
        let network = upper & mask;
        Self {
            network,
            hash: mix(network, secret) & !3 | TAG_IPV6 as u64,
        }
    }

    /// The set that it may stand in.
    #[inline(always)]
    pub const fn set(self) -> usize {
        (self.hash >> (64 - SETS.trailing_zeros())) as usize & (SETS - 1)
    }

    /// What tells it from others in that set, at a glance: never 0.
    #[inline(always)]
    pub const fn tag(self) -> u32 {
        (self.hash >> 24) as u32 & !3 | (self.hash & 3) as u32
    }
}

/// Whether a tag is that of an IPv4 network.
pub const fn is_ipv4(tag: u32) -> bool {
    tag & 3 == TAG_IPV4
}

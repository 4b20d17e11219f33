//! The table of source networks that drops come from.
//!
//! Each CPU has one table of a fixed size, in sets of eight places. A network with a place is counted exactly from the
//! moment it got the place. Packets of networks without a place are counted together, as lost by the set. So a count is
//! never too high, and too low by at most what the set had lost before: that is its error. As long as every network finds
//! a place, nothing is lost and all counts are exact.
//!
//! Places are given by score, as in Elastic Sketch (Yang et al., SIGCOMM 2018), with the hand of the CLOCK algorithm. A
//! score rises with every packet of its network. While a set turns other networks away, a hand goes round the set and
//! lowers scores. In a flood of random sources none comes again, so it takes only places with a low score. A network that
//! comes again and again keeps its place.

use crate::hash::mix;

/// Networks in a set.
pub const NETWORKS_PER_SET: usize = 8;

/// Sets in a table. A power of two.
pub const SETS: usize = 128;

/// Networks in a table.
pub const NETWORKS: usize = SETS * NETWORKS_PER_SET;

/// Packets that a set turns away for each step of its hand.
pub const TURNS: u64 = 32;

/// The highest score. It decides how long a network keeps its place after its last packet.
pub const SCORE_MAX: u16 = 1 << 10;

/// The hand lowers a score by this part of it, given as a shift, rounded up.
pub const SCORE_DECAY: u32 = 6;

/// The part of a set that each packet reads first: one cache line for eight networks.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceSet {
    /// [`CountedNetwork::tag`] of each network; 0 for an empty place.
    pub tags: [u32; NETWORKS_PER_SET],
    /// The score of each network. A network whose score is 0 loses its place.
    pub scores: [u16; NETWORKS_PER_SET],
    /// Packets of networks without a place, and of networks that lost their place. The place of the hand follows from it.
    pub lost: u64,
    /// Always 0. It keeps each set on a cache line of its own.
    pub reserved: u64,
}

/// The sets of one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceSets {
    /// The sets. A network can only be in the set of [`CountedNetwork::set`].
    pub sets: [SourceSet; SETS],
}

/// A network with a place, and its drops on one CPU since it got the place.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceNetwork {
    /// [`CountedNetwork::network`].
    pub network: u64,
    /// Dropped packets.
    pub packets: u64,
    /// Their bytes, from the Ethernet header on.
    pub bytes: u64,
    /// The most packets that the network may have had before: what the set had lost by then.
    pub error: u64,
}

/// The networks of one CPU. The networks of a set are neighbours.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct SourceNetworks {
    /// Place `p` of set `s` is number `s * NETWORKS_PER_SET + p`.
    pub networks: [SourceNetwork; NETWORKS],
}

const _: () = assert!(size_of::<SourceSet>() == 64);
const _: () = assert!(size_of::<SourceNetwork>() == 32);
// The kernel allows at most 32 KiB for a value of a per-CPU map (PCPU_MIN_UNIT_SIZE).
const _: () = assert!(size_of::<SourceSets>() == 8 * 1024);
const _: () = assert!(size_of::<SourceNetworks>() == 32 * 1024);

/// The source network that the drop of a packet is counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedNetwork {
    /// The network's address as a number: the 32 bits of an IPv4 address, or the first 64 bits of an IPv6 address. Host
    /// bits are 0.
    pub network: u64,
    hash: u64,
}

/// The lowest two bits of a tag are the IP version.
const TAG_IPV4: u32 = 2;
const TAG_IPV6: u32 = 3;

impl CountedNetwork {
    /// The network of an IPv4 address. `mask` has the bits of the network. `secret` keeps an attacker from choosing networks
    /// that all belong to one set.
    #[inline(always)]
    pub const fn ipv4(address: u32, mask: u32, secret: u64) -> Self {
        let network = (address & mask) as u64;
        Self {
            network,
            hash: mix(network, secret) & !3 | TAG_IPV4 as u64,
        }
    }

    /// The network of an IPv6 address. `upper` and `mask` are the first 64 bits as numbers.
    #[inline(always)]
    pub const fn ipv6(upper: u64, mask: u64, secret: u64) -> Self {
        let network = upper & mask;
        Self {
            network,
            hash: mix(network, secret) & !3 | TAG_IPV6 as u64,
        }
    }

    /// The set of the network.
    #[inline(always)]
    pub const fn set(self) -> usize {
        (self.hash >> (64 - SETS.trailing_zeros())) as usize & (SETS - 1)
    }

    /// A short hash that distinguishes the networks of a set. It is never 0.
    #[inline(always)]
    pub const fn tag(self) -> u32 {
        (self.hash >> 24) as u32 & !3 | (self.hash & 3) as u32
    }
}

/// Whether a tag belongs to an IPv4 network.
pub const fn is_ipv4(tag: u32) -> bool {
    tag & 3 == TAG_IPV4
}

//! The table of networks that drops come from.
//!
//! One table a CPU, of a fixed size: sets of four networks, and in each set the rule of Space-Saving
//! (Metwally, Agrawal, El Abbadi, 2005). A network that has no place takes over the one with the fewest
//! packets, its count goes on from there, and what it took over is kept as its error. So a count is never
//! too low, and too high by at most its error.

/// Networks in a set: two cache lines.
pub const NETWORKS_PER_SET: usize = 4;

/// Sets in a table. A power of two.
pub const SETS: usize = 128;

/// One network and what it had dropped, on one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceNetwork {
    /// The network: see [`network_of_ipv4`] and [`network_of_ipv6`]; 0 for an empty place.
    pub network: u64,
    /// Packets, at the most.
    pub packets: u64,
    /// Bytes of the packets that came since the network took its place.
    pub bytes: u64,
    /// How many of `packets` may belong to others.
    pub error: u64,
}

/// The table of one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SourceSets {
    /// The sets; a network can stand only in the set of [`set_of_network`].
    pub sets: [[SourceNetwork; NETWORKS_PER_SET]; SETS],
}

const _: () = assert!(size_of::<SourceNetwork>() == 32);
// The kernel gives a value of a per-CPU map 32 KiB at the most (PCPU_MIN_UNIT_SIZE).
const _: () = assert!(size_of::<SourceSets>() == 16 * 1024);

/// The lowest 16 bits of a network tell the IP version, so that no IPv4 network is an IPv6 one.
const IPV4_TAG: u64 = 4;
const IPV6_TAG: u64 = 6;

/// The /24 of an IPv4 address.
#[inline(always)]
pub const fn network_of_ipv4(address: [u8; 4]) -> u64 {
    let bits = u32::from_be_bytes(address) as u64;
    (bits >> 8) << 16 | IPV4_TAG
}

/// The /48 of an IPv6 address, given its first eight bytes.
#[inline(always)]
pub const fn network_of_ipv6(upper: [u8; 8]) -> u64 {
    let bits = u64::from_be_bytes(upper);
    bits & !0xffff | IPV6_TAG
}

impl SourceNetwork {
    /// The first address of the IPv4 /24, if it is one.
    pub const fn ipv4(&self) -> Option<[u8; 4]> {
        if self.network & 0xffff == IPV4_TAG {
            return Some((((self.network >> 16) as u32) << 8).to_be_bytes());
        }
        None
    }

    /// The first eight bytes of the IPv6 /48, if it is one.
    pub const fn ipv6(&self) -> Option<[u8; 8]> {
        if self.network & 0xffff == IPV6_TAG {
            return Some((self.network & !0xffff).to_be_bytes());
        }
        None
    }
}

/// The set that a network stands in: multiplicative hashing (Knuth, TAOCP 3, 6.4) with a secret odd
/// factor, so that an attacker cannot choose networks that all fall into one set.
#[inline(always)]
pub const fn set_of_network(network: u64, secret: u64) -> usize {
    (network.wrapping_mul(secret | 1) >> (64 - SETS.trailing_zeros())) as usize & (SETS - 1)
}

//! A bitmap of the IPv4 networks of one length. Generated prefixes and sources use it to avoid one another.

use std::ops::RangeInclusive;

/// IPv4 networks that nothing is routed to, and the networks of the laboratory's hosts.
const RESERVED: [([u8; 4], u8); 12] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([185, 94, 108, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// How many addresses are reserved.
#[must_use]
pub fn reserved_addresses() -> u64 {
    RESERVED.iter().map(|&(_, length)| 1 << (32 - length)).sum()
}

/// The network mask of a prefix length.
#[must_use]
pub fn mask(length: u8) -> u32 {
    u32::MAX.checked_shl(u32::from(32 - length)).unwrap_or_default()
}

/// A set of IPv4 networks of one length.
#[derive(Debug)]
pub struct Blocks {
    length: u8,
    bits: Vec<u64>,
}

impl Blocks {
    /// A set that contains the reserved networks: those without routes and the laboratory's.
    #[must_use]
    pub fn reserved(length: u8) -> Self {
        let mut blocks = Self {
            length,
            bits: vec![0; (1 << length) / 64],
        };
        for (network, length) in RESERVED {
            blocks.insert(u32::from_be_bytes(network), length);
        }
        blocks
    }

    /// The blocks that a prefix touches.
    fn range(&self, network: u32, length: u8) -> RangeInclusive<usize> {
        let shift = 32 - self.length;
        let last = network | !mask(length);
        (network >> shift) as usize..=(last >> shift) as usize
    }

    /// Adds all blocks that a prefix touches.
    pub fn insert(&mut self, network: u32, length: u8) {
        for block in self.range(network, length) {
            self.bits[block / 64] |= 1 << (block % 64);
        }
    }

    /// Whether the prefix touches a block of the set.
    #[must_use]
    pub fn overlaps(&self, network: u32, length: u8) -> bool {
        self.range(network, length)
            .any(|block| self.bits[block / 64] >> (block % 64) & 1 != 0)
    }

    /// Whether the address is in a block of the set.
    #[must_use]
    pub fn contains(&self, address: u32) -> bool {
        self.overlaps(address, 32)
    }
}

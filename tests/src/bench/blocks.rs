//! Sets of IPv4 networks of one length, as bits: what is taken already, and what is to be kept away from.

use std::ops::RangeInclusive;

/// IPv4 networks that nobody is routed, and those of the laboratory's own hosts.
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

/// The network part of an address, as ones.
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
    /// What holds nobody's addresses, and the laboratory's.
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

    /// Whether a prefix touches one of them.
    #[must_use]
    pub fn overlaps(&self, network: u32, length: u8) -> bool {
        self.range(network, length)
            .any(|block| self.bits[block / 64] >> (block % 64) & 1 != 0)
    }

    /// Whether an address lies in one of them.
    #[must_use]
    pub fn contains(&self, address: u32) -> bool {
        self.overlaps(address, 32)
    }
}

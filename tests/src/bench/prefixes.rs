//! Trusted lists of any length, the same in every run, and attackers that are in none of them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::blocks::{Blocks, mask, reserved_addresses};
use crate::random::Random;

/// Prefixes of a global IPv4 routing table by length: 978,000 in 2024, in round numbers. The 4,400 prefixes shorter
/// than /16 are left out: they cover half of the address space, so no attackers would be left.
const ROUTING_TABLE: [(u8, u64); 9] = [
    (16, 13_700),
    (17, 8_400),
    (18, 14_300),
    (19, 25_500),
    (20, 45_500),
    (21, 53_000),
    (22, 112_000),
    (23, 102_000),
    (24, 600_000),
];

/// Trusted prefixes that do not overlap.
#[derive(Debug, Clone)]
pub struct Prefixes {
    /// Network and length.
    pub v4: Vec<(u32, u8)>,
    /// The upper half of the network, and the length, which is at most 64.
    pub v6: Vec<(u64, u8)>,
}

impl Prefixes {
    /// Two prefixes of each version of IP. The IPv4 prefixes are the ones in the vendors' scripts.
    #[must_use]
    pub fn vendor() -> Self {
        Self {
            v4: vec![(0xb95e_6c00, 24), (0x7f00_0001, 32)],
            v6: vec![(0x2001_0db8_0094_0000, 48), (0x2001_0db8_0095_0001, 64)],
        }
    }

    /// `count` prefixes of each version, including the vendor's two. IPv4 prefixes have the lengths and the spread of
    /// a routing table. IPv6 prefixes have random lengths from /32 to /64, anywhere in 2000::/3.
    #[must_use]
    pub fn routed(count: usize) -> Self {
        let mut all = Self::vendor();
        let more = count.saturating_sub(all.v4.len());
        all.v4.extend(routed_v4(more));
        all.v6.extend(anywhere_v6(more));
        all
    }

    /// `count` IPv4 prefixes, 256 in each of few /16s. This is the shape of a block list: most of the space is free
    /// of it.
    #[must_use]
    pub fn clustered(count: usize) -> Self {
        let mut all = Self::vendor();
        let mut random = Random::new(3);
        let mut taken = Blocks::reserved(16);
        while all.v4.len() < count {
            let sixteen = (random.below(1 << 16) as u32) << 16;
            if taken.contains(sixteen) {
                continue;
            }
            taken.insert(sixteen, 16);
            for third in 0..(count - all.v4.len()).min(256) as u32 {
                let length = 24 + random.below(9) as u8;
                let host = random.below(256) as u32;
                all.v4
                    .push(((sixteen | third << 8 | host) & mask(length), length));
            }
        }
        all
    }

    /// The list without its IPv6 prefixes.
    #[must_use]
    pub fn only_v4(self) -> Self {
        Self {
            v6: Vec::new(),
            ..self
        }
    }

    /// The list without its IPv4 prefixes.
    #[must_use]
    pub fn only_v6(self) -> Self {
        Self {
            v4: Vec::new(),
            ..self
        }
    }

    /// The list in the format of a list file for `synwall`.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        for line in self.v4_texts().chain(self.v6_texts()) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// The IPv4 prefixes as text.
    pub fn v4_texts(&self) -> impl Iterator<Item = String> {
        self.v4
            .iter()
            .map(|&(network, length)| format!("{}/{length}", Ipv4Addr::from(network)))
    }

    /// The IPv6 prefixes as text.
    pub fn v6_texts(&self) -> impl Iterator<Item = String> {
        let address = |upper: u64| Ipv6Addr::from(u128::from(upper) << 64);
        self.v6
            .iter()
            .map(move |&(network, length)| format!("{}/{length}", address(network)))
    }

    /// The share of IPv4's unicast space that is trusted.
    #[must_use]
    pub fn share_of_v4(&self) -> f64 {
        let trusted: u64 = self.v4.iter().map(|&(_, length)| 1_u64 << (32 - length)).sum();
        let unicast = (1_u64 << 32) - reserved_addresses();
        trusted as f64 / unicast as f64
    }

    /// IPv4 sources from anywhere. No source shares a block of length `block` with a prefix.
    #[must_use]
    pub fn strangers_v4(&self, block: u8, count: usize) -> Vec<u64> {
        let mut near = Blocks::reserved(block);
        for &(network, length) in &self.v4 {
            near.insert(network, length);
        }
        let mut random = Random::new(4);
        let mut draw = || {
            loop {
                let source = random.below(1 << 32);
                if !near.contains(source as u32) {
                    return source;
                }
            }
        };
        (0..count).map(|_| draw()).collect()
    }

    /// Upper halves of untrusted IPv6 sources from anywhere in 2000::/3.
    #[must_use]
    pub fn strangers_v6(&self, count: usize) -> Vec<u64> {
        let by_block: HashMap<u64, (u64, u8)> =
            self.v6.iter().map(|&prefix| (prefix.0 >> 32, prefix)).collect();
        let trusted = |source: u64| {
            let prefix = by_block.get(&(source >> 32));
            prefix.is_some_and(|&(network, length)| (source ^ network) >> (64 - length) == 0)
        };
        let mut random = Random::new(5);
        let mut draw = || {
            loop {
                let source = 1 << 61 | random.below(1 << 61);
                if !trusted(source) {
                    return source;
                }
            }
        };
        (0..count).map(|_| draw()).collect()
    }
}

fn routed_v4(count: usize) -> Vec<(u32, u8)> {
    let mut random = Random::new(1);
    let mut taken = Blocks::reserved(24);
    let all: u64 = ROUTING_TABLE.iter().map(|(_, number)| number).sum();
    let mut prefixes = Vec::with_capacity(count);
    // The widest prefixes come first, as long as there is room for them. The narrowest length takes the rest.
    for (length, number) in ROUTING_TABLE {
        let share = match length {
            24 => count - prefixes.len(),
            _ => (number * count as u64 / all) as usize,
        };
        let end = prefixes.len() + share;
        while prefixes.len() < end {
            let network = (random.below(1 << 32) as u32) & mask(length);
            if !taken.overlaps(network, length) {
                taken.insert(network, length);
                prefixes.push((network, length));
            }
        }
    }
    prefixes
}

/// No two prefixes share a /32, so none contains another.
fn anywhere_v6(count: usize) -> Vec<(u64, u8)> {
    let mut random = Random::new(2);
    // The documentation's /32 belongs to the laboratory.
    let mut taken: std::collections::HashSet<u64> = [0x2001_0db8].into();
    let mut prefixes = Vec::with_capacity(count);
    while prefixes.len() < count {
        let network = 1 << 61 | random.below(1 << 61);
        if taken.insert(network >> 32) {
            let length = 32 + random.below(33) as u8;
            prefixes.push((network & u64::MAX << (64 - length), length));
        }
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use super::{Blocks, Prefixes, mask};

    #[test]
    fn a_routed_list_has_its_length_and_no_overlaps() {
        let list = Prefixes::routed(10_000);
        assert_eq!((list.v4.len(), list.v6.len()), (10_000, 10_000));
        let mut ranges: Vec<_> = list
            .v4
            .iter()
            .map(|&(network, length)| (network, network | !mask(length)))
            .collect();
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|two| two[0].1 < two[1].0));
        assert!(
            list.v4
                .iter()
                .all(|&(network, length)| network & !mask(length) == 0)
        );
    }

    #[test]
    fn strangers_are_in_no_prefix() {
        let list = Prefixes::routed(10_000);
        let within = |source: u32, &(network, length): &(u32, u8)| source & mask(length) == network;
        for source in list.strangers_v4(24, 500) {
            assert!(!list.v4.iter().any(|prefix| within(source as u32, prefix)));
            assert!(
                (1..224).contains(&(source >> 24)),
                "{source:x} is no unicast address"
            );
        }
        for source in list.strangers_v6(500) {
            assert_eq!(source >> 61, 1);
            assert!(
                !list
                    .v6
                    .iter()
                    .any(|&(network, length)| (source ^ network) >> (64 - length) == 0)
            );
        }
    }

    #[test]
    fn a_clustered_list_leaves_most_of_the_space_alone() {
        let list = Prefixes::clustered(100_000);
        assert_eq!(list.v4.len(), 100_000);
        let mut near = Blocks::reserved(16);
        for &(network, length) in &list.v4 {
            near.insert(network, length);
        }
        for source in list.strangers_v4(16, 500) {
            assert!(!near.contains(source as u32));
        }
    }

    #[test]
    fn a_list_is_written_as_users_write_it() {
        assert_eq!(
            Prefixes::vendor().lines(),
            "185.94.108.0/24\n127.0.0.1/32\n2001:db8:94::/48\n2001:db8:95:1::/64\n"
        );
    }
}

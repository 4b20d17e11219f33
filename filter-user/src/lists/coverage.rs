//! Coverage: bitmaps that say for which source addresses no trie lookup is needed.
//!
//! Both generations share one coverage. At every moment it covers at least the list in force. Before a list comes
//! into force, [`Coverage::cover`] adds its bits to those already set. After the switch, [`Coverage::settle`]
//! clears the bits that are no longer needed.
//!
//! A program reads coverage before it reads which generation is in force. If the bit is clear, no prefix of the
//! list in force at that moment contains the address. If the bit is set, the trie decides.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use filter_common::{
    Bit, Coarse, CoverageV4, CoverageV6, FINE_BITS_PER_KEY, FINE_LEN_MIN, FINE_WORDS, FINE_WORDS_MIN,
    coarse_v6, fine_v6,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::Result;
use crate::{
    pins::{
        directory::Pins,
        names::{COVERAGE_V4, COVERAGE_V6},
    },
    sys::bpf::mapped::Mapped,
};

/// Size of the coverage of IPv4, in 64-bit words.
pub const WORDS_V4: usize = size_of::<CoverageV4>() / 8;
/// Size of the coverage of IPv6, in 64-bit words.
pub const WORDS_V6: usize = size_of::<CoverageV6>() / 8;
/// Where each part begins, in 64-bit words.
const FINE_V4: usize = std::mem::offset_of!(CoverageV4, fine) / 8;
const MASK: usize = std::mem::offset_of!(CoverageV6, fine_mask) / 8;
const COARSE_V6: usize = std::mem::offset_of!(CoverageV6, coarse) / 8;
const FINE_V6: usize = std::mem::offset_of!(CoverageV6, fine) / 8;

/// Masks the upper bit of each pair of bits. This bit means [`Coarse::Wide`].
const WIDE: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// The coverage of IPv4 and IPv6, mapped into memory. Programs read the same memory.
#[derive(Debug)]
pub struct Coverage {
    v4: Mapped<[u64; WORDS_V4]>,
    v6: Mapped<[u64; WORDS_V6]>,
}

impl Coverage {
    /// Takes coverage from maps that are already open.
    pub fn new(v4: Mapped<[u64; WORDS_V4]>, v6: Mapped<[u64; WORDS_V6]>) -> Self {
        Self { v4, v6 }
    }

    /// Whether both have the same mask and the same bits set. The reserved words do not count.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |ours: &[AtomicU64], theirs: &[AtomicU64]| {
            ours.iter()
                .zip(theirs)
                .all(|(ours, theirs)| ours.load(SeqCst) == theirs.load(SeqCst))
        };
        let reserved = MASK + 1..COARSE_V6;
        let (ours, theirs) = (self.v6.words(), other.v6.words());
        same(self.v4.words(), other.v4.words())
            && same(&ours[..reserved.start], &theirs[..reserved.start])
            && same(&ours[reserved.end..], &theirs[reserved.end..])
    }

    /// Opens the pinned coverage of a filter.
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            v4: pins.mapped(COVERAGE_V4)?,
            v6: pins.mapped(COVERAGE_V6)?,
        })
    }

    /// Sets the bits of one more source prefix. `secret` is the secret of the filter's settings.
    pub fn add(&self, prefix: IpNet, secret: u64) {
        cover(self.v4.words(), self.v6.words(), std::iter::once(prefix), secret);
    }

    /// Sets the bits that the plan needs. All other bits stay as they are.
    pub fn cover(&self, plan: &Plan<impl Prefixes>) {
        cover(
            self.v4.words(),
            self.v6.words(),
            plan.prefixes.clone(),
            plan.secret,
        );
    }

    /// Sets the bits that the plan needs, and clears all others. `grace` must wait for an RCU grace period, that
    /// is, until every running program has ended. It is called only if a program may still use what it read
    /// before.
    ///
    /// # Errors
    ///
    /// Fails if `grace` fails. No bit was cleared then.
    pub fn settle(&self, plan: &Plan<impl Prefixes>, grace: impl FnMut() -> Result<()>) -> Result<()> {
        plan.settle(self.v4.words(), self.v6.words(), grace)
    }

    /// Whether the Bloom filter of IPv6 already has the size that the plan needs.
    pub fn fits(&self, plan: &Plan<impl Prefixes>) -> bool {
        self.v6.words()[MASK].load(SeqCst) == plan.mask
    }
}

/// Source prefixes as an iterator that can be cloned, because planning and setting bits each walk through them.
pub trait Prefixes: Iterator<Item = IpNet> + Clone {}

impl<I: Iterator<Item = IpNet> + Clone> Prefixes for I {}

/// The source prefixes that coverage has to cover, and the size that the Bloom filter of IPv6 needs for them.
pub struct Plan<I> {
    prefixes: I,
    secret: u64,
    mask: u64,
}

impl<I: Prefixes> Plan<I> {
    /// Plans coverage for the trusted and denied prefixes of a list. They should be sorted: then prefixes in the
    /// same /32 count once. `secret` is the secret of the filter's settings.
    pub fn new(prefixes: I, secret: u64) -> Self {
        let keys: u64 = networks_v6(prefixes.clone())
            .filter(|network| network.prefix_len() >= FINE_LEN_MIN)
            .map(|network| 1 << 32_u8.saturating_sub(network.prefix_len()))
            .fold(0, u64::saturating_add);
        let words =
            (keys.saturating_mul(FINE_BITS_PER_KEY) / 64).clamp(FINE_WORDS_MIN as u64, FINE_WORDS as u64);
        let mask = words.next_power_of_two() - 1;
        Self {
            prefixes,
            secret,
            mask,
        }
    }

    fn settle(
        &self,
        v4: &[AtomicU64],
        v6: &[AtomicU64],
        mut grace: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let (image_v4, image_v6) = (zeroes(WORDS_V4), zeroes(WORDS_V6));
        image_v6[MASK].store(self.mask, SeqCst);
        cover(&image_v4, &image_v6, self.prefixes.clone(), self.secret);
        let set = |words: &[AtomicU64], image: &[AtomicU64]| {
            for (word, bits) in words.iter().zip(image).filter(|(_, bits)| bits.load(SeqCst) != 0) {
                word.fetch_or(bits.load(SeqCst), SeqCst);
            }
        };
        if v6[MASK].load(SeqCst) != self.mask {
            // Set the bits under both masks first: a program may already have read the old mask.
            set(&v6[FINE_V6..], &image_v6[FINE_V6..]);
            v6[MASK].store(self.mask, SeqCst);
            grace()?;
        } else if image_v6[COARSE_V6..FINE_V6]
            .iter()
            .any(|word| word.load(SeqCst) & WIDE != 0)
        {
            // A program may have read `Fine` where `Wide` stands now, and may read the second level only after
            // this.
            grace()?;
        }
        let write = |words: &[AtomicU64], image: &[AtomicU64]| {
            for (word, image) in words.iter().zip(image) {
                let image = image.load(SeqCst);
                if word.load(SeqCst) != image {
                    word.store(image, SeqCst);
                }
            }
        };
        write(v4, &image_v4);
        write(&v6[COARSE_V6..], &image_v6[COARSE_V6..]);
        Ok(())
    }
}

fn zeroes(words: usize) -> Vec<AtomicU64> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}

/// Sets the bits of the prefixes. IPv6 uses the mask that is now in use.
fn cover(v4: &[AtomicU64], v6: &[AtomicU64], prefixes: impl Prefixes, secret: u64) {
    for network in networks_v4(prefixes.clone()) {
        cover_v4(v4, network);
    }
    // A new filter has no mask yet. Start with the smallest one.
    let _ = v6[MASK].compare_exchange(0, FINE_WORDS_MIN as u64 - 1, SeqCst, SeqCst);
    let mask = v6[MASK].load(SeqCst);
    for network in networks_v6(prefixes) {
        cover_v6(v6, network, mask, secret);
    }
}

fn networks_v4(prefixes: impl Prefixes) -> impl Iterator<Item = Ipv4Net> {
    prefixes.filter_map(|prefix| match prefix {
        IpNet::V4(network) => Some(network),
        IpNet::V6(_) => None,
    })
}

/// The IPv6 prefixes, cut to at most /32. Neighbours in the same /32 share their bits, so only the first one is
/// returned.
fn networks_v6(prefixes: impl Prefixes) -> impl Iterator<Item = Ipv6Net> {
    let mut before = None;
    prefixes.filter_map(move |prefix| {
        let IpNet::V6(network) = prefix else {
            return None;
        };
        let network = Ipv6Net::new(network.addr(), network.prefix_len().min(32))
            .ok()?
            .trunc();
        (before.replace(network) != Some(network)).then_some(network)
    })
}

fn cover_v4(words: &[AtomicU64], network: Ipv4Net) {
    let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
    set_range(&words[..FINE_V4], first >> 16, last >> 16);
    set_range(&words[FINE_V4..], first >> 8, last >> 8);
}

/// Sets the bits from `first` to `last`, both included.
fn set_range(words: &[AtomicU64], first: u32, last: u32) {
    for word in first / 64..=last / 64 {
        let from = if word == first / 64 { first % 64 } else { 0 };
        let to = if word == last / 64 { last % 64 } else { 63 };
        set(&words[word as usize], u64::MAX << from & u64::MAX >> (63 - to));
    }
}

fn set(word: &AtomicU64, bits: u64) {
    if word.load(SeqCst) & bits != bits {
        word.fetch_or(bits, SeqCst);
    }
}

fn cover_v6(words: &[AtomicU64], network: Ipv6Net, mask: u64, secret: u64) {
    let upper = |address: std::net::Ipv6Addr| (u128::from(address) >> 96) as u32;
    let (first, last) = (upper(network.network()), upper(network.broadcast()));
    let is_fine = network.prefix_len() >= FINE_LEN_MIN;
    let coarse = if is_fine { Coarse::Fine } else { Coarse::Wide };
    // Set the second level first, because a bit in the first level sends programs to the second.
    if is_fine {
        for key in first..=last {
            let Bit { word, mask } = fine_v6(key, mask, secret);
            set(&words[FINE_V6 + word], mask);
        }
    }
    for number in first >> 16..=last >> 16 {
        let Bit { word, mask } = coarse_v6(number << 16, coarse);
        set(&words[COARSE_V6 + word], mask);
    }
}

#[cfg(test)]
mod tests;

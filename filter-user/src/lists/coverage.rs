//! Coverage: which addresses the tries need not be asked about.
//!
//! One coverage serves both generations, and at every instant it covers at least the list that is in force: before
//! a list comes into force its bits are set beside those of the other ([`Plan::cover`]), and when it is, the rest is
//! cleared ([`Plan::settle`]). A program reads coverage before it reads which generation is in force. So what it
//! finds clear is in no prefix of the list that is in force at that moment; and whatever it finds set, the trie decides.

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

/// Words of either coverage as a whole.
pub const WORDS_V4: usize = size_of::<CoverageV4>() / 8;
/// See [`WORDS_V4`].
pub const WORDS_V6: usize = size_of::<CoverageV6>() / 8;
/// Where the parts begin, in words.
const FINE_V4: usize = std::mem::offset_of!(CoverageV4, fine) / 8;
const MASK: usize = std::mem::offset_of!(CoverageV6, fine_mask) / 8;
const COARSE_V6: usize = std::mem::offset_of!(CoverageV6, coarse) / 8;
const FINE_V6: usize = std::mem::offset_of!(CoverageV6, fine) / 8;

/// The upper of the two bits of each /16: [`Coarse::Wide`].
const WIDE: u64 = 0xaaaa_aaaa_aaaa_aaaa;

/// Coverage as the programs read it.
#[derive(Debug)]
pub struct Coverage {
    v4: Mapped<[u64; WORDS_V4]>,
    v6: Mapped<[u64; WORDS_V6]>,
}

impl Coverage {
    /// What lies in these maps.
    pub fn new(v4: Mapped<[u64; WORDS_V4]>, v6: Mapped<[u64; WORDS_V6]>) -> Self {
        Self { v4, v6 }
    }

    /// Whether both cover the same.
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

    /// That of a filter.
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            v4: pins.mapped(COVERAGE_V4)?,
            v6: pins.mapped(COVERAGE_V6)?,
        })
    }

    /// Covers one more prefix.
    pub fn add(&self, prefix: IpNet, secret: u64) {
        cover(self.v4.words(), self.v6.words(), std::iter::once(prefix), secret);
    }

    /// Covers what the plan covers, beside what is covered already.
    pub fn cover(&self, plan: &Plan<impl Prefixes>) {
        cover(
            self.v4.words(),
            self.v6.words(),
            plan.prefixes.clone(),
            plan.secret,
        );
    }

    /// Covers what the plan covers and nothing else. `grace` waits until no program runs that has read what was
    /// there before.
    pub fn settle(&self, plan: &Plan<impl Prefixes>, grace: impl FnMut() -> Result<()>) -> Result<()> {
        plan.settle(self.v4.words(), self.v6.words(), grace)
    }

    /// Whether IPv6 has the room that the plan wants for it.
    pub fn fits(&self, plan: &Plan<impl Prefixes>) -> bool {
        self.v6.words()[MASK].load(SeqCst) == plan.mask
    }
}

/// Source prefixes, which are walked through more than once.
pub trait Prefixes: Iterator<Item = IpNet> + Clone {}

impl<I: Iterator<Item = IpNet> + Clone> Prefixes for I {}

/// What a list needs.
pub struct Plan<I> {
    prefixes: I,
    secret: u64,
    mask: u64,
}

impl<I: Prefixes> Plan<I> {
    /// For a list whose source prefixes, trusted or denied, are `prefixes`.
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
            // For a while it is covered under both masks: a program may have read the old one.
            set(&v6[FINE_V6..], &image_v6[FINE_V6..]);
            v6[MASK].store(self.mask, SeqCst);
            grace()?;
        } else if image_v6[COARSE_V6..FINE_V6]
            .iter()
            .any(|word| word.load(SeqCst) & WIDE != 0)
        {
            // A program may have read `Fine` where there is `Wide` now, and not looked at the second level yet.
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

/// Sets the bits of prefixes, of IPv6 under the mask that is in use.
fn cover(v4: &[AtomicU64], v6: &[AtomicU64], prefixes: impl Prefixes, secret: u64) {
    for network in networks_v4(prefixes.clone()) {
        cover_v4(v4, network);
    }
    // A filter that was just made has no mask yet: it begins with the smallest one.
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

/// Networks of IPv6, those with the same /32 as the one before left out: they share its bits.
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

/// Sets the bits from number `first` to number `last`.
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
    // The second level before the first one, which leads there.
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

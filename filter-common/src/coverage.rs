//! What stands in front of the tries: for which addresses they need not be asked.
//!
//! A trie with a million prefixes costs a packet ten times what dropping it costs, so a flood must not reach
//! it. Coverage says of an address "no prefix can match" or "one may", in levels: the first is small enough
//! to stay in the nearest cache, the second is read only for addresses that the first lets through. It is one
//! for both generations and conservative at every instant: bits are set before a prefix goes into a trie and
//! cleared after it is gone, so it changes no verdict.

use crate::hash::mix;

/// Words in the second level of either version: 2 MiB.
pub const FINE_WORDS: usize = 1 << 18;

/// Coverage of IPv4 sources.
#[repr(C)]
pub struct CoverageV4 {
    /// A bit for each /16: some prefix overlaps it. 8 KiB.
    pub coarse: [u64; 1 << 10],
    /// A bit for each /24: some prefix overlaps it.
    pub fine: [u64; FINE_WORDS],
}

/// Coverage of IPv6 sources.
#[repr(C)]
pub struct CoverageV6 {
    /// How many words of `fine` are in use, less one; they are a power of two. So few prefixes have a small
    /// working set.
    pub fine_mask: u64,
    /// Keeps the levels on lines of their own, and the value in whole pages.
    pub reserved: [u64; 511],
    /// Two bits for each /16, see [`Coarse`]: 16 KiB, of which a flood from 2000::/3 reads two.
    pub coarse: [u64; 1 << 11],
    /// A Bloom filter of /32s, see [`fine_v6`].
    pub fine: [u64; FINE_WORDS],
}

const _: () = assert!(size_of::<CoverageV4>() == 8 * 1024 + 8 * FINE_WORDS);
const _: () = assert!(size_of::<CoverageV6>() == (4 + 16) * 1024 + 8 * FINE_WORDS);

/// What the first level says about an IPv6 /16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coarse {
    /// No prefix overlaps it.
    Clear,
    /// Some do, each at least [`FINE_LEN_MIN`] long: look at the second level.
    Fine,
    /// A shorter one does, which would be too many /32s for the second level: ask the trie.
    Wide,
}

/// The shortest IPv6 prefix that the second level holds, as up to 256 /32s. Networks get /32 to /29, large
/// ones /19; those shorter than this send their /16 to the trie.
pub const FINE_LEN_MIN: u8 = 24;

/// Bits of the Bloom filter for each /32 in it, at the least, up to half a million of them. With 32 bits, of which four are
/// set, one in a thousand addresses that are in no covered /32 gets through. Fewer bits save less cache than it
/// costs to walk a large trie that is in no cache.
pub const FINE_BITS_PER_KEY: u64 = 32;

/// Words of the second level in use at the least: one page.
pub const FINE_WORDS_MIN: usize = 512;

/// A bit in an array of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bit {
    /// Which word.
    pub word: usize,
    /// The bit, or bits, in it.
    pub mask: u64,
}

/// The bit of an IPv4 address, as a number, in [`CoverageV4::coarse`].
#[inline(always)]
pub const fn coarse_v4(address: u32) -> Bit {
    Bit {
        word: (address >> 22) as usize,
        mask: 1 << (address >> 16 & 63),
    }
}

/// The bit of an IPv4 address, as a number, in [`CoverageV4::fine`].
#[inline(always)]
pub const fn fine_v4(address: u32) -> Bit {
    Bit {
        word: (address >> 14) as usize,
        mask: 1 << (address >> 8 & 63),
    }
}

/// Where the two bits of an IPv6 address stand in [`CoverageV6::coarse`]; `upper` are the first 32 bits of the
/// address, as a number. The lower of both means [`Coarse::Fine`], the upper [`Coarse::Wide`], whatever the
/// lower is.
#[inline(always)]
pub const fn coarse_v6(upper: u32, coarse: Coarse) -> Bit {
    let bits = match coarse {
        Coarse::Clear => 0,
        Coarse::Fine => 1,
        Coarse::Wide => 2,
    };
    Bit {
        word: (upper >> 21) as usize,
        mask: bits << (upper >> 15 & 62),
    }
}

/// What the word that [`coarse_v6`] names says.
#[inline(always)]
pub const fn coarse_of_word(upper: u32, word: u64) -> Coarse {
    match word >> (upper >> 15 & 62) & 3 {
        0 => Coarse::Clear,
        1 => Coarse::Fine,
        _ => Coarse::Wide,
    }
}

/// The bits of an IPv6 address in [`CoverageV6::fine`]: a Bloom filter whose bits for a key stand all in one word
/// (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007), so that it is one memory
/// access. `secret` keeps an attacker from choosing addresses that get through.
#[inline(always)]
pub const fn fine_v6(upper: u32, fine_mask: u64, secret: u64) -> Bit {
    let hash = mix(upper as u64, secret);
    Bit {
        word: (hash >> 46 & fine_mask) as usize & (FINE_WORDS - 1),
        mask: 1 << (hash >> 22 & 63)
            | 1 << (hash >> 28 & 63)
            | 1 << (hash >> 34 & 63)
            | 1 << (hash >> 40 & 63),
    }
}

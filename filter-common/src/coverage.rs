//! Coverage: it is read before the tries, and says for which addresses they need not be asked.
//!
//! With a million prefixes, a trie lookup costs ten times what dropping a packet costs. So a flood must not reach the
//! tries. For an address, coverage says "no prefix matches" or "a prefix may match". It has two levels: the first is small
//! enough for the nearest cache, and the second is read only for addresses that the first does not settle.
//!
//! Both generations share it. Bits are set before a prefix goes into a trie, and cleared after the prefix is gone. So
//! coverage changes no verdict at any instant.

use crate::hash::mix;

/// Words in the second level of each IP version: 2 MiB.
pub const FINE_WORDS: usize = 1 << 18;

/// Coverage of IPv4 sources.
#[repr(C)]
pub struct CoverageV4 {
    /// A bit for each /16: whether a prefix overlaps it. 8 KiB.
    pub coarse: [u64; 1 << 10],
    /// A bit for each /24: whether a prefix overlaps it.
    pub fine: [u64; FINE_WORDS],
}

/// Coverage of IPv6 sources.
#[repr(C)]
pub struct CoverageV6 {
    /// The number of words of `fine` in use, minus one. The number is a power of two. A short list uses few words, so it
    /// needs little cache.
    pub fine_mask: u64,
    /// Always 0. It puts each level on cache lines of its own, and makes the value whole pages.
    pub reserved: [u64; 511],
    /// Two bits for each /16, see [`Coarse`]: 16 KiB. A flood from 2000::/3 reads 2 KiB of them.
    pub coarse: [u64; 1 << 11],
    /// A Bloom filter of /32s, see [`fine_v6`].
    pub fine: [u64; FINE_WORDS],
}

const _: () = assert!(size_of::<CoverageV4>() == 8 * 1024 + 8 * FINE_WORDS);
const _: () = assert!(size_of::<CoverageV6>() == (4 + 16) * 1024 + 8 * FINE_WORDS);

/// What the first level says about an IPv6 /16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coarse {
    /// No prefix overlaps the /16.
    Clear,
    /// Only prefixes of at least [`FINE_LEN_MIN`] bits overlap it: read the second level.
    Fine,
    /// A shorter prefix overlaps it, which is too many /32s for the second level: ask the trie.
    Wide,
}

/// The length of the shortest IPv6 prefix in the second level, where it takes up to 256 /32s. Registries give networks a
/// /32 to /29, and large ones up to a /19. All addresses of a /16 with a shorter prefix ask the trie.
pub const FINE_LEN_MIN: u8 = 24;

/// The fewest bits of the Bloom filter for each /32 in it, up to half a million /32s. With 32 bits, of which four are set,
/// one in a thousand addresses outside of all covered /32s asks the trie. With fewer bits, lookups in a large trie that is
/// in no cache would cost more than the saved cache.
pub const FINE_BITS_PER_KEY: u64 = 32;

/// The fewest words of the second level in use: one page.
pub const FINE_WORDS_MIN: usize = 512;

/// A bit in an array of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bit {
    /// The index of the word.
    pub word: usize,
    /// The bit, or several bits, in the word.
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

/// The two bits of an IPv6 address in [`CoverageV6::coarse`], set for `coarse`. `upper` is the first 32 bits of the address,
/// as a number. The lower bit means [`Coarse::Fine`]. The upper bit means [`Coarse::Wide`], whatever the lower bit is.
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

/// What a word of [`CoverageV6::coarse`] says about an IPv6 address, see [`coarse_v6`].
#[inline(always)]
pub const fn coarse_of_word(upper: u32, word: u64) -> Coarse {
    match word >> (upper >> 15 & 62) & 3 {
        0 => Coarse::Clear,
        1 => Coarse::Fine,
        _ => Coarse::Wide,
    }
}

/// The bits of an IPv6 address in [`CoverageV6::fine`]. This is a Bloom filter with all bits of a key in one word, so that a
/// lookup is one memory access (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).
/// `secret` keeps an attacker from choosing addresses that ask the trie.
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

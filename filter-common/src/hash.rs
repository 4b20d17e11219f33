//! The hash of all tables.

/// 2^64 divided by the golden ratio: multiples of it are spread evenly (Knuth, TAOCP 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes a key with a secret that attackers do not know; the upper bits are the better ones. Two multiplications, since
/// with one the spread is as good as the secret is: a factor near a simple fraction of 2^64 leaves a few hundred
/// values of short keys.
#[inline(always)]
pub const fn mix(key: u64, secret: u64) -> u64 {
    let spread = (key ^ secret).wrapping_mul(GOLDEN);
    (spread ^ spread >> 32).wrapping_mul(secret | 1)
}

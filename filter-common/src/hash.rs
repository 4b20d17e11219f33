//! The hash that all tables use.

/// 2^64 divided by the golden ratio. Its multiples are spread evenly (Knuth, TAOCP 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes a key with a secret that attackers do not know. Take the upper bits: they are mixed best. It takes two
/// multiplications, because the spread of one depends on the secret. A factor near a simple fraction of 2^64 would leave
/// only a few hundred values of short keys.
#[inline(always)]
pub const fn mix(key: u64, secret: u64) -> u64 {
    let spread = (key ^ secret).wrapping_mul(GOLDEN);
    (spread ^ spread >> 32).wrapping_mul(secret | 1)
}

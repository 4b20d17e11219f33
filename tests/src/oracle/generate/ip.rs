//! Random IP headers, correct and broken.

use std::net::IpAddr;

use fastrand::Rng;

use super::{
    address::{self, Ip},
    chain, one_in, pick, transport,
};
use crate::oracle::config::Config;

/// A random packet.
pub fn packet(random: &mut Rng, config: &Config, ip: Ip) -> Vec<u8> {
    let (protocol, payload) = transport::payload(random, config);
    match address::ends(random, config, ip) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            v4(random, protocol, &payload, [from.octets(), to.octets()].concat())
        }
        (from, to) => {
            let (next, behind) = chain::before(random, protocol, payload);
            let octets = |address| match address {
                IpAddr::V6(address) => address.octets(),
                IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            };
            v6(random, next, &behind, [octets(from), octets(to)].concat())
        }
    }
}

fn v4(random: &mut Rng, protocol: u8, payload: &[u8], ends: Vec<u8>) -> Vec<u8> {
    let options = match random.u32(..8) {
        0 => random.usize(..=10),
        1 => 10,
        _ => 0,
    };
    let words = match random.u32(..25) {
        0 => random.usize(..16),
        _ => 5 + options,
    };
    let version = if one_in(random, 50) { random.u8(..16) } else { 4 };
    let whole = 20 + 4 * options + payload.len();
    let edges = [
        0,
        1,
        19,
        20,
        4 * words,
        33,
        34,
        46,
        4 * words + 13,
        4 * words + 14,
    ];
    let len = length(random, whole, &edges);
    // Values of the flags and offset field: don't fragment, more fragments, the reserved bit, offsets.
    let fragment = match random.u32(..12) {
        0 => 0x2000,
        1 => 0x2000 | 1,
        2 => pick(random, &[1, 2, 3, 0x1fff, 185]),
        3 => random.u16(..),
        4..8 => 0x4000,
        _ => 0,
    };
    let [len_high, len_low] = len.to_be_bytes();
    let [fragment_high, fragment_low] = fragment.to_be_bytes();
    let mut bytes = vec![
        version << 4 | (words as u8 & 0x0f),
        0,
        len_high,
        len_low,
        0x12,
        0x34,
    ];
    bytes.extend([fragment_high, fragment_low, 64, protocol, 0, 0]);
    bytes.extend(ends);
    bytes.extend(vec![1; 4 * options]);
    bytes.extend(payload);
    bytes
}

fn v6(random: &mut Rng, next: u8, behind: &[u8], ends: Vec<u8>) -> Vec<u8> {
    let version = if one_in(random, 50) { random.u8(..16) } else { 6 };
    let edges = [0, 1, 4, 6, 8, 12, 13, 14, 16, 20, 22];
    let [high, low] = length(random, behind.len(), &edges).to_be_bytes();
    let mut bytes = vec![version << 4 | random.u8(..16), 0, 0, 0, high, low, next, 64];
    bytes.extend(ends);
    bytes.extend(behind);
    bytes
}

/// The value of a length field: usually the true length.
fn length(random: &mut Rng, whole: usize, edges: &[usize]) -> u16 {
    let stated = match random.u32(..16) {
        0 => pick(random, edges),
        1 => (whole + pick(random, &[1, 2, 4, 6, 60])).saturating_sub(2),
        2 => pick(random, &[0, 1500, 65_535]),
        3 if one_in(random, 4) => random.usize(..=65_535),
        _ => whole,
    };
    u16::try_from(stated).unwrap_or(0)
}

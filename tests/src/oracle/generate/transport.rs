//! Random data after the IP header: segments and datagrams, whole and cut short, and other protocols that look like
//! them.

use fastrand::Rng;

use super::{one_in, pick};
use crate::oracle::{config::Config, sockets::PORTS};

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// A protocol number and the bytes of its payload.
pub fn payload(random: &mut Rng, config: &Config) -> (u8, Vec<u8>) {
    let (protocol, mut bytes) = match random.u32(..20) {
        0..14 => (TCP, segment(random, config)),
        14..17 => (UDP, datagram(random, config)),
        17 => (
            pick(random, &[1, 2, 4, 33, 41, 47, 50, 51, 58, 59, 132, 135, 136, 139]),
            segment(random, config),
        ),
        18 => (random.u8(..), segment(random, config)),
        _ => (pick(random, &[0, 43, 44, 60]), segment(random, config)),
    };
    if one_in(random, 6) {
        // Cut near the ends of ports and flags, or anywhere.
        let len = match random.u32(..4) {
            0 => random.usize(..=bytes.len()),
            _ => pick(random, &[0, 1, 3, 4, 5, 8, 12, 13, 14, 15, 19, 20]),
        };
        bytes.truncate(len);
    } else {
        bytes.extend(data(random));
    }
    (protocol, bytes)
}

/// A TCP header with any flags.
pub fn segment(random: &mut Rng, config: &Config) -> Vec<u8> {
    let flags = match random.u32(..8) {
        0..3 => SYN,
        3 | 4 => ACK,
        5 => SYN | ACK,
        6 => SYN | random.u8(..) & !ACK,
        _ => random.u8(..),
    };
    let words = if one_in(random, 4) { random.u8(..16) } else { 5 };
    let reserved = if one_in(random, 8) { random.u8(..16) } else { 0 };
    let mut bytes = ports(random, &config.tcp);
    bytes.extend(random.u64(..).to_be_bytes());
    bytes.extend([words << 4 | reserved, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    bytes
}

fn datagram(random: &mut Rng, config: &Config) -> Vec<u8> {
    let mut bytes = ports(random, &config.udp);
    bytes.extend([0, 8, 0, 0]);
    bytes
}

/// Source and destination port.
fn ports(random: &mut Rng, protected: &std::collections::BTreeSet<u16>) -> Vec<u8> {
    let from = match random.u32(..8) {
        0..5 => PORTS.0,
        5 => PORTS.1,
        _ => random.u16(..),
    };
    let protected: Vec<u16> = protected.iter().copied().collect();
    let to = match random.u32(..10) {
        0 => random.u16(..),
        1 => PORTS.0,
        _ if protected.is_empty() => PORTS.1,
        2 | 3 => PORTS.1,
        4 => pick(random, &protected).wrapping_add(1),
        5 => pick(random, &protected).wrapping_sub(1),
        _ => pick(random, &protected),
    };
    [from.to_be_bytes(), to.to_be_bytes()].concat()
}

/// Random data: none, a little, an ordinary frame, or more than a page. Sometimes it repeats a header.
fn data(random: &mut Rng) -> Vec<u8> {
    let len = match random.u32(..100) {
        0..50 => 0,
        50..75 => random.usize(..64),
        75..95 => random.usize(..1500),
        95..99 => random.usize(..9000),
        _ => random.usize(..60_000),
    };
    let byte = pick(random, &[0, SYN, ACK, 0x45, 0xff]);
    vec![byte; len]
}

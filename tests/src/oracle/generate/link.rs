//! Random Ethernet headers, VLAN tags, and bytes after the packet in a frame.

use fastrand::Rng;

use super::{address::Ip, ip, one_in, pick};
use crate::oracle::config::Config;

/// The shortest Ethernet frame, without its checksum.
const SHORTEST: usize = 60;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// A random frame.
pub fn frame(random: &mut Rng, config: &Config) -> Vec<u8> {
    let version = pick(random, &[Ip::V4, Ip::V6]);
    let right = if version == Ip::V4 { IPV4 } else { IPV6 };
    let kind = match random.u32(..50) {
        0 => pick(random, &[IPV4, IPV6, 0x0806, 0x9100, 0x8847, 0x8864, 0x88cc, 46]),
        1 => random.u16(..),
        _ => right,
    };
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3];
    let tags = match random.u32(..16) {
        0 => random.usize(..8),
        1 => 4,
        2 => 5,
        3 => 1,
        _ => 0,
    };
    for _ in 0..tags {
        frame.extend(pick(random, &[[0x81, 0x00], [0x88, 0xa8]]));
        frame.extend(pick(random, &[[0, 0], [0, 100], [0xff, 0xff]]));
    }
    frame.extend(kind.to_be_bytes());
    frame.extend(ip::packet(random, config, version));
    padding(random, &mut frame);
    frame
}

/// Adds bytes after the packet: padding that a network card adds to a short frame, or bytes from an attacker.
fn padding(random: &mut Rng, frame: &mut Vec<u8>) {
    let fill = pick(random, &[0, 2, 0x10, 0xff]);
    match random.u32(..8) {
        0..3 if frame.len() < SHORTEST => frame.resize(SHORTEST, fill),
        3 => frame.resize(frame.len() + random.usize(..24), fill),
        4 if one_in(random, 8) => frame.resize(frame.len() + random.usize(..5000), fill),
        _ => {}
    }
}

//! Random chains of IPv6 extension headers: all kinds, any order, too many headers, cut short, with wrong lengths.

use fastrand::Rng;

use super::{one_in, pick};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const OPTIONS: u8 = 60;

/// Puts a chain before a payload. Returns the number of the first header, and the bytes.
pub fn before(random: &mut Rng, protocol: u8, payload: Vec<u8>) -> (u8, Vec<u8>) {
    let count = match random.u32(..20) {
        0..8 => 0,
        8..14 => random.usize(1..4),
        14..18 => random.usize(7..10),
        _ => random.usize(..14),
    };
    // A chain of one kind reaches the limits more often, because more of its headers are whole.
    let kind = one_in(random, 3).then(|| pick(random, &[OPTIONS, ROUTING, FRAGMENT]));
    let mut bytes = payload;
    let mut next = protocol;
    for _ in 0..count {
        let number = kind.unwrap_or_else(|| {
            pick(
                random,
                &[
                    HOP_BY_HOP,
                    ROUTING,
                    FRAGMENT,
                    FRAGMENT,
                    AUTHENTICATION,
                    OPTIONS,
                    OPTIONS,
                ],
            )
        });
        let mut header = header(random, number);
        header[0] = next;
        header.extend(bytes);
        bytes = header;
        next = number;
    }
    (next, bytes)
}

fn header(random: &mut Rng, number: u8) -> Vec<u8> {
    if number == FRAGMENT {
        return fragment(random).to_vec();
    }
    let units = match random.u32(..40) {
        0 => 255,
        1..8 => random.u8(..4),
        _ => 0,
    };
    // An AH counts in units of 4 bytes. It has at least three of them, but its length field could say two.
    let (units, len) = match number {
        AUTHENTICATION if one_in(random, 4) => (units, 4 * (usize::from(units) + 2)),
        AUTHENTICATION => (units.max(1), 4 * (usize::from(units.max(1)) + 2)),
        _ => (units, 8 * (usize::from(units) + 1)),
    };
    let mut bytes = vec![0; len];
    bytes[1] = if one_in(random, 25) { random.u8(..) } else { units };
    if one_in(random, 50) {
        bytes.truncate(random.usize(1..len));
    }
    bytes
}

/// A fragment header: atomic, first or later, with any value in the reserved bits.
fn fragment(random: &mut Rng) -> [u8; 8] {
    let offset = match random.u32(..8) {
        0..6 => 0,
        6 => 1,
        _ => random.u16(..1 << 13),
    };
    let bits = if one_in(random, 4) {
        random.u16(..8)
    } else {
        random.u16(..2)
    };
    let [high, low] = (offset << 3 | bits).to_be_bytes();
    [0, random.u8(..), high, low, 0, 0, 0x12, 0x34]
}

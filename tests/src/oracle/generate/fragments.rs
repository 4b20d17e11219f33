//! A segment in fragments, in any order, sometimes repeated or overlapping. Attackers send such fragments, because
//! the host may reassemble a segment that the firewall did not see.

use std::net::IpAddr;

use fastrand::Rng;

use super::{address::Ip, one_in, pick, transport};
use crate::oracle::{
    config::Config,
    sockets::{HOST, VISITOR, address},
};

const OPTIONS: u8 = 60;
const FRAGMENT: u8 = 44;

/// The fragments of one packet with the identification `id`.
#[must_use]
pub fn fragments(random: &mut Rng, config: &Config, id: u16) -> Vec<Vec<u8>> {
    let ip = pick(random, &[Ip::V4, Ip::V6]);
    let mut protocol = transport::TCP;
    let mut payload = transport::segment(random, config);
    payload.resize(payload.len() + random.usize(..60), 2);
    if ip == Ip::V6 && one_in(random, 3) {
        payload = [&[protocol, 0, 1, 4, 0, 0, 0, 0][..], &payload].concat();
        protocol = OPTIONS;
    }
    let mut frames = Vec::new();
    let mut start = 0;
    while start < payload.len() {
        let end = payload.len().min(start + 8 * random.usize(1..7));
        let place = Place {
            id,
            offset: u16::try_from(start / 8).unwrap_or(0),
            more: end < payload.len(),
        };
        // Hosts use the next header of the first fragment. Later fragments may name any other.
        let next = if start > 0 && one_in(random, 4) {
            random.u8(..)
        } else {
            protocol
        };
        let frame = match ip {
            Ip::V4 => v4(protocol, place, &payload[start..end]),
            Ip::V6 => v6(next, place, &payload[start..end]),
        };
        if one_in(random, 10) {
            frames.push(frame.clone());
        }
        frames.push(frame);
        let overlap = if place.more && end - start > 8 && one_in(random, 6) {
            8
        } else {
            0
        };
        start = end - overlap;
    }
    if random.bool() {
        random.shuffle(&mut frames);
    }
    frames
}

/// The place of a fragment in its packet.
#[derive(Clone, Copy)]
struct Place {
    id: u16,
    /// The offset in units of 8 bytes.
    offset: u16,
    more: bool,
}

fn v4(protocol: u8, place: Place, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + payload.len()).unwrap_or(0);
    let fragment = place.offset | u16::from(place.more) << 13;
    let mut frame = ethernet(0x0800);
    frame.extend([0x45, 0]);
    frame.extend([len, place.id, fragment].map(u16::to_be_bytes).concat());
    frame.extend([64, protocol, 0, 0]);
    frame.extend([ends(VISITOR[0]), ends(HOST[0])].concat());
    frame.extend(payload);
    frame
}

fn v6(next: u8, place: Place, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(8 + payload.len()).unwrap_or(0).to_be_bytes();
    let mut frame = ethernet(0x86dd);
    frame.extend([0x60, 0, 0, 0, high, low, FRAGMENT, 64]);
    frame.extend([ends(VISITOR[1]), ends(HOST[1])].concat());
    let fragment = place.offset << 3 | u16::from(place.more);
    frame.extend([next, 0]);
    frame.extend([fragment, 0, place.id].map(u16::to_be_bytes).concat());
    frame.extend(payload);
    frame
}

fn ethernet(kind: u16) -> Vec<u8> {
    let [high, low] = kind.to_be_bytes();
    vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 3, high, low]
}

fn ends(text: &str) -> Vec<u8> {
    match address(text) {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

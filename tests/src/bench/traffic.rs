//! The frames that the bench sends: a template frame, and the addresses that it comes from.

use etherparse::PacketBuilder;

use super::wires::{RECEIVER_MAC, SENDER_MAC, TARGET_V4, TARGET_V6};
use crate::lab::{Family, must};

/// A protected port.
pub const PORT: u16 = 443;
/// A stranger, in no list: 198.51.100.66.
pub const STRANGER_V4: u128 = 0xc633_6442;
/// An IPv6 stranger, in no list: 2001:db8:bad::66.
pub const STRANGER_V6: u128 = 0x2001_0db8_0bad_0000_0000_0000_0000_0066;
/// A source that every list trusts: 185.94.108.10.
pub const TRUSTED_V4: u128 = 0xb95e_6c0a;
/// The shortest Ethernet frame, without its checksum.
pub const SHORTEST: usize = 60;

/// The kind of TCP segment in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// A SYN, which opens a connection.
    Syn,
    /// An ACK, as in an established connection.
    Ack,
}

/// A frame to the target, with this source address and destination port.
#[must_use]
pub fn frame(family: Family, segment: Segment, source: u128, port: u16, length: usize) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(SENDER_MAC, RECEIVER_MAC);
    let ip = match family {
        Family::V4 => ethernet.ipv4((source as u32).to_be_bytes(), TARGET_V4, 64),
        Family::V6 => ethernet.ipv6(source.to_be_bytes(), TARGET_V6, 64),
    };
    let tcp = ip.tcp(40_000, port, 1, 64_240);
    let tcp = match segment {
        Segment::Syn => tcp.syn(),
        Segment::Ack => tcp.ack(1),
    };
    let payload = vec![0; length.saturating_sub(tcp.size(0))];
    let mut frame = Vec::with_capacity(length);
    must("build a frame", tcp.write(&mut frame, &payload));
    frame
}

/// An ARP request for the target's MAC address.
#[must_use]
pub fn arp() -> Vec<u8> {
    let mut frame = [[0xff; 6], SENDER_MAC].concat();
    // An ARP request for IPv4 over Ethernet (RFC 826).
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.extend(SENDER_MAC);
    frame.extend([203, 0, 113, 1]);
    frame.extend([0; 6]);
    frame.extend(TARGET_V4);
    frame.resize(SHORTEST, 0);
    frame
}

/// A SYN from a stranger behind a hop-by-hop header and destination options.
#[must_use]
pub fn two_extension_headers() -> Vec<u8> {
    let mut frame = frame(Family::V6, Segment::Syn, STRANGER_V6, PORT, SHORTEST);
    // Each header is eight bytes of padding (RFC 8200): the number of the next header, length 0, PadN of four bytes.
    let headers = [60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0];
    let payload = u16::from_be_bytes([frame[18], frame[19]]) + headers.len() as u16;
    frame[18..20].copy_from_slice(&payload.to_be_bytes());
    frame[20] = 0;
    frame.splice(54..54, headers);
    frame
}

/// A template for the flood program.
#[derive(Debug, Clone)]
pub struct Template {
    /// The bytes of the frame. The program fills in source, port and sequence number of each frame.
    pub frame: Vec<u8>,
    /// The name of the kernel program that fills them in.
    pub program: &'static str,
    /// The sum (RFC 1071) over the constant part of the IP header, in native byte order.
    pub header_sum: u32,
    /// The sum (RFC 1071) over the constant part of the TCP segment and its pseudo header, in native byte order.
    pub segment_sum: u32,
}

impl Template {
    /// A template of segments to the protected port.
    #[must_use]
    pub fn new(family: Family, segment: Segment, length: usize) -> Self {
        let mut frame = frame(family, segment, 0, PORT, length);
        let (program, tcp) = match family {
            Family::V4 => ("flood_ipv4", 34),
            Family::V6 => ("flood_ipv6", 54),
        };
        if family == Family::V4 {
            frame[24..26].fill(0);
        }
        // Port, sequence number, checksum.
        for field in [tcp..tcp + 2, tcp + 4..tcp + 8, tcp + 16..tcp + 18] {
            frame[field].fill(0);
        }
        let length = (frame.len() - tcp) as u16;
        let addresses = match family {
            Family::V4 => 8,
            Family::V6 => 32,
        };
        let pseudo = sum(&frame[tcp - addresses..tcp]) + u32::from(6_u16.to_be()) + u32::from(length.to_be());
        Self {
            program,
            header_sum: sum(&frame[14..34]),
            segment_sum: pseudo + sum(&frame[tcp..]),
            frame,
        }
    }
}

fn sum(bytes: &[u8]) -> u32 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 2];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from(u16::from_ne_bytes(word))
    };
    bytes.chunks(2).map(word).sum()
}

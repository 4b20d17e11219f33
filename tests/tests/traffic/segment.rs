//! TCP segments with any flags, as a port scanner sends them.

use std::net::IpAddr;

use etherparse::{PacketBuilder, TcpHeader};
use tests::lab::frame::Endpoint;

/// Flags of a TCP segment, by their letters in nmap and tcpdump: S, A, F, R, P, U, E, W.
pub type Flags = &'static str;

/// A segment that opens a connection, in all the ways that Linux takes for one, and some that it does not.
pub const OPENING: [Flags; 8] = ["S", "SP", "SU", "SEW", "SF", "SPU", "SR", "SFPUEW"];

/// Scans that open none: ACK, FIN, NULL, Xmas, Maimon, SYN-ACK, RST, data.
pub const OTHER: [Flags; 8] = ["A", "F", "", "FPU", "FA", "SA", "R", "PA"];

/// The frame with that segment.
pub fn frame(from: Endpoint, to: Endpoint, flags: Flags, payload: &[u8]) -> Vec<u8> {
    let mut header = TcpHeader::new(from.port, to.port, 1, 64240);
    for flag in flags.chars() {
        match flag {
            'S' => header.syn = true,
            'A' => header.ack = true,
            'F' => header.fin = true,
            'R' => header.rst = true,
            'P' => header.psh = true,
            'U' => header.urg = true,
            'E' => header.ece = true,
            'W' => header.cwr = true,
            other => panic!("no flag is called {other}"),
        }
    }
    let ethernet = PacketBuilder::ethernet2(from.mac, to.mac);
    let ip = match (from.address, to.address) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet.ipv6(from.octets(), to.octets(), 64),
        _ => panic!("two versions of IP"),
    };
    let mut frame = Vec::new();
    ip.tcp_header(header).write(&mut frame, payload).expect("a frame");
    frame
}

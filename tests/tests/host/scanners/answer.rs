//! What a frame from the origin tells a scanner, and about which port.

use std::fmt;

use etherparse::{IpNumber, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use tests::lab::Captured;

/// The answer in a word, and its port. The port is the source port of a segment, or the destination port that an ICMP
/// error quotes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    pub port: Option<u16>,
    pub word: String,
}

impl Answer {
    pub fn of(frame: &Captured) -> Self {
        let packet = LaxSlicedPacket::from_ethernet(&frame.bytes).expect("an Ethernet header");
        let (port, word) = match &packet.transport {
            Some(TransportSlice::Tcp(tcp)) => (
                Some(tcp.source_port()),
                match (tcp.rst(), tcp.syn(), tcp.fin()) {
                    (true, ..) => "RST",
                    (_, true, _) => "SYN-ACK",
                    (.., true) => "FIN",
                    _ => "ACK",
                },
            ),
            Some(TransportSlice::Udp(udp)) => (Some(udp.source_port()), "datagram"),
            Some(TransportSlice::Icmpv4(icmp)) => (
                quoted_port(icmp.payload()),
                match (icmp.type_u8(), icmp.code_u8()) {
                    (0, _) => "echo reply",
                    (3, 2) => "protocol unreachable",
                    (3, 0 | 1) => "host unreachable",
                    (3, 3) => "port unreachable",
                    (3, 5) => "source route failed",
                    (11, 1) => "reassembly time exceeded",
                    (12, _) => "parameter problem",
                    (14, _) => "timestamp reply",
                    (5, _) => "redirect",
                    _ => "other ICMP",
                },
            ),
            Some(TransportSlice::Icmpv6(icmp)) => (
                quoted_port(icmp.payload()),
                match (icmp.type_u8(), icmp.code_u8()) {
                    (1, 0) => "no route",
                    (1, 4) => "port unreachable",
                    (3, 1) => "reassembly time exceeded",
                    (4, _) => "parameter problem",
                    (129, _) => "echo reply",
                    (143, _) => "multicast report",
                    (135 | 136, _) => "neighbour discovery",
                    _ => "other ICMP",
                },
            ),
            Some(TransportSlice::Igmp(_)) => (None, "IGMP"),
            None => match packet.net {
                Some(LaxNetSlice::Arp(_)) => (None, "ARP"),
                _ => (None, "something else"),
            },
        };
        Self {
            port,
            word: word.to_owned(),
        }
    }
}

/// The destination port of a quoted packet, if it is readable.
fn quoted_port(packet: &[u8]) -> Option<u16> {
    let quoted = LaxSlicedPacket::from_ip(packet).ok()?;
    let payload = quoted.ip_payload()?;
    let has_ports = [IpNumber::TCP, IpNumber::UDP, IpNumber::SCTP, UDP_LITE].contains(&payload.ip_number);
    let port = payload
        .payload
        .get(2..4)
        .filter(|_| has_ports && !payload.fragmented)?;
    Some(u16::from_be_bytes([port[0], port[1]]))
}

const UDP_LITE: IpNumber = IpNumber(136);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{} about port {port}", self.word),
            None => f.write_str(&self.word),
        }
    }
}

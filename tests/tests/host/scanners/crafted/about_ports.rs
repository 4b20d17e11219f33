//! Crafted packets that go to a protected port, and ICMP errors that quote one.
//!
//! Longer than 300 lines because each method is a row of one table, and a row includes the bytes of its packets.

use tests::lab::{Family, frame::Endpoint};

use super::{V4, V6, Way};
use crate::scanners::{
    packet::{
        Packet,
        flag::{ACK, FIN, SYN},
    },
    scanned::{BOTH, TCP, UDP},
};

type Make = fn(Endpoint, Endpoint) -> Vec<Packet>;

fn tcp(name: &'static str, families: &'static [Family], packets: Make) -> Way {
    Way {
        name,
        families,
        ports: (TCP[1], TCP[2]),
        packets,
    }
}

fn udp(name: &'static str, families: &'static [Family], packets: Make) -> Way {
    Way {
        name,
        families,
        ports: (UDP[0], UDP[1]),
        packets,
    }
}

/// Extension headers. The number of the next header is filled in later (RFC 8200, section 4).
pub mod extension {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ROUTING: u8 = 43;
    pub const AUTHENTICATION: u8 = 51;
    pub const OPTIONS: u8 = 60;
    /// Six bytes of padding.
    pub const PADDING: [u8; 8] = [0, 0, 1, 4, 0, 0, 0, 0];
    /// An unknown option. Its two highest bits ask the host to report it; the third bit allows a report for
    /// multicast, too.
    pub const UNKNOWN: [u8; 8] = [0, 0, 0x9e, 4, 0, 0, 0, 0];
    pub const UNKNOWN_TO_ALL: [u8; 8] = [0, 0, 0xde, 4, 0, 0, 0, 0];
    /// A routing header of type 0 with one address, and this number of addresses left to visit.
    pub fn routing(left: u8) -> Vec<u8> {
        [vec![0, 2, 0, left, 0, 0, 0, 0], vec![0x20; 16]].concat()
    }
    /// Segment routing (RFC 8754), with one segment left.
    pub fn segments() -> Vec<u8> {
        [vec![0, 2, 4, 1, 0, 0, 0, 0], vec![0x20; 16]].concat()
    }
}

use extension::{
    AUTHENTICATION, HOP_BY_HOP, OPTIONS, PADDING, ROUTING, UNKNOWN, UNKNOWN_TO_ALL, routing, segments,
};

pub fn ways() -> Vec<Way> {
    [
        extensions(),
        options(),
        segments_and_datagrams(),
        fragments(),
        errors(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn extensions() -> Vec<Way> {
    let syn = |name, packets: Make| tcp(name, V6, packets);
    vec![
        syn("SYN behind hop-by-hop options", |f, t| {
            vec![Packet::tcp(f, t, SYN).behind(HOP_BY_HOP, &PADDING)]
        }),
        syn("SYN behind destination options", |f, t| {
            vec![Packet::tcp(f, t, SYN).behind(OPTIONS, &PADDING)]
        }),
        syn("SYN behind a routing header that is done", |f, t| {
            vec![Packet::tcp(f, t, SYN).behind(ROUTING, &routing(0))]
        }),
        syn("SYN behind a routing header that is not", |f, t| {
            vec![Packet::tcp(f, t, SYN).behind(ROUTING, &routing(1))]
        }),
        syn("ACK behind a routing header that is not", |f, t| {
            vec![Packet::tcp(f, t, ACK).behind(ROUTING, &routing(1))]
        }),
        syn("SYN behind a segment routing header", |f, t| {
            vec![Packet::tcp(f, t, SYN).behind(ROUTING, &segments())]
        }),
        syn("SYN in an atomic fragment", |f, t| {
            vec![Packet::tcp(f, t, SYN).fragment(0, false)]
        }),
        syn("ACK in an atomic fragment", |f, t| {
            vec![Packet::tcp(f, t, ACK).fragment(0, false)]
        }),
        syn("SYN behind one of each", |f, t| {
            let packet = Packet::tcp(f, t, SYN)
                .behind(HOP_BY_HOP, &PADDING)
                .behind(OPTIONS, &PADDING);
            vec![
                packet
                    .behind(ROUTING, &routing(0))
                    .fragment(0, false)
                    .behind(OPTIONS, &PADDING),
            ]
        }),
        syn("SYN behind 9 destination options", |f, t| {
            vec![(0..9).fold(Packet::tcp(f, t, SYN), |packet, _| {
                packet.behind(OPTIONS, &PADDING)
            })]
        }),
        syn("ACK behind 9 destination options", |f, t| {
            vec![(0..9).fold(Packet::tcp(f, t, ACK), |packet, _| {
                packet.behind(OPTIONS, &PADDING)
            })]
        }),
        syn(
            "SYN behind an unknown hop-by-hop option to be reported",
            |f, t| vec![Packet::tcp(f, t, SYN).behind(HOP_BY_HOP, &UNKNOWN)],
        ),
        syn(
            "ACK behind an unknown hop-by-hop option to be reported",
            |f, t| vec![Packet::tcp(f, t, ACK).behind(HOP_BY_HOP, &UNKNOWN)],
        ),
        syn(
            "SYN behind an unknown destination option to be reported",
            |f, t| vec![Packet::tcp(f, t, SYN).behind(OPTIONS, &UNKNOWN)],
        ),
        syn(
            "SYN behind an unknown destination option to be reported unless multicast",
            |f, t| vec![Packet::tcp(f, t, SYN).behind(OPTIONS, &UNKNOWN_TO_ALL)],
        ),
        syn(
            "ACK behind an unknown destination option to be reported",
            |f, t| vec![Packet::tcp(f, t, ACK).behind(OPTIONS, &UNKNOWN)],
        ),
        syn(
            "SYN behind hop-by-hop options that are not the first header",
            |f, t| {
                vec![
                    Packet::tcp(f, t, SYN)
                        .behind(OPTIONS, &PADDING)
                        .behind(HOP_BY_HOP, &PADDING),
                ]
            },
        ),
        syn("SYN behind an authentication header", |f, t| {
            vec![Packet::tcp(f, t, SYN).behind(
                AUTHENTICATION,
                &[
                    0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                ],
            )]
        }),
        syn(
            "SYN behind an extension header that leads out of the packet",
            |f, t| vec![Packet::tcp(f, t, SYN).behind(OPTIONS, &[0, 200, 1, 4, 0, 0, 0, 0])],
        ),
        syn("SYN in a jumbogram that is none", |f, t| {
            vec![Packet {
                stated_len: Some(0),
                ..Packet::tcp(f, t, SYN).behind(HOP_BY_HOP, &[0, 0, 0xc2, 4, 0, 0, 0, 28])
            }]
        }),
        syn("SYN in a packet of length 0", |f, t| {
            vec![Packet {
                stated_len: Some(0),
                ..Packet::tcp(f, t, SYN)
            }]
        }),
    ]
}

/// Adds IPv4 options. The rest of the header is filled with the end-of-options option.
fn with(options: &[u8], packet: Packet) -> Vec<Packet> {
    let mut options = options.to_vec();
    options.resize(options.len().next_multiple_of(4), 0);
    vec![Packet { options, ..packet }]
}

/// A completed source route (RFC 791, section 3.1) through this address.
fn gone(kind: u8, by: Endpoint) -> Vec<u8> {
    let std::net::IpAddr::V4(by) = by.address else {
        panic!("an IPv4 option")
    };
    [&[kind, 7, 8], by.octets().as_slice()].concat()
}

fn options() -> Vec<Way> {
    let v4 = |name, packets: Make| tcp(name, V4, packets);
    vec![
        v4("SYN, loose source route by way of us", |f, t| {
            with(&gone(0x83, f), Packet::tcp(f, t, SYN))
        }),
        v4("SYN, strict source route by way of us", |f, t| {
            with(&gone(0x89, f), Packet::tcp(f, t, SYN))
        }),
        v4("ACK, loose source route by way of us", |f, t| {
            with(&gone(0x83, f), Packet::tcp(f, t, ACK))
        }),
        v4("SYN, a source route that leads on", |f, t| {
            with(&[0x83, 7, 4, 198, 51, 100, 66], Packet::tcp(f, t, SYN))
        }),
        v4("SYN, record route", |f, t| {
            with(&[7, 7, 4, 0, 0, 0, 0], Packet::tcp(f, t, SYN))
        }),
        v4("SYN, an unknown option", |f, t| {
            with(&[0x9e, 4, 0, 0], Packet::tcp(f, t, SYN))
        }),
        v4("SYN, router alert", |f, t| {
            with(&[0x94, 4, 0, 0], Packet::tcp(f, t, SYN))
        }),
        v4("SYN behind 40 bytes of no operation", |f, t| {
            with(&[1; 40], Packet::tcp(f, t, SYN))
        }),
        v4("SYN, an option of length 0", |f, t| {
            with(&[7, 0, 4, 0], Packet::tcp(f, t, SYN))
        }),
        v4("ACK, an option of length 0", |f, t| {
            with(&[7, 0, 4, 0], Packet::tcp(f, t, ACK))
        }),
        v4("SYN, an option that leads out of the header", |f, t| {
            with(&[7, 39, 4, 0], Packet::tcp(f, t, SYN))
        }),
        v4("SYN, wrong header checksum", |f, t| {
            vec![Packet {
                checksum_error: 1,
                ..Packet::tcp(f, t, SYN)
            }]
        }),
    ]
}

/// The link-local address that the host derives from its MAC address (RFC 4291, appendix A).
fn link_local(end: Endpoint) -> Endpoint {
    let [a, b, c, d, e, f] = end.mac.map(u16::from);
    let address = std::net::Ipv6Addr::new(
        0xfe80,
        0,
        0,
        0,
        (a ^ 2) << 8 | b,
        c << 8 | 0xff,
        0xfe00 | d,
        e << 8 | f,
    );
    Endpoint {
        address: address.into(),
        ..end
    }
}

fn segments_and_datagrams() -> Vec<Way> {
    vec![
        tcp("SYN", &BOTH, |f, t| vec![Packet::tcp(f, t, SYN)]),
        tcp("SYN between link-local addresses", V6, |f, t| {
            vec![Packet::tcp(link_local(f), link_local(t), SYN)]
        }),
        tcp("SYN, TTL 0", &BOTH, |f, t| {
            vec![Packet {
                ttl: 0,
                ..Packet::tcp(f, t, SYN)
            }]
        }),
        tcp("SYN, TTL 1", &BOTH, |f, t| {
            vec![Packet {
                ttl: 1,
                ..Packet::tcp(f, t, SYN)
            }]
        }),
        tcp("ACK, TTL 1", &BOTH, |f, t| {
            vec![Packet {
                ttl: 1,
                ..Packet::tcp(f, t, ACK)
            }]
        }),
        tcp("SYN with data", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, SYN, &[], b"GET / HTTP/1.0\r\n\r\n")]
        }),
        tcp("SYN that asks for a TCP Fast Open cookie", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, SYN, &[34, 2, 1, 1], &[])]
        }),
        tcp("SYN with a TCP Fast Open cookie and data", &BOTH, |f, t| {
            vec![Packet::tcp_with(
                f,
                t,
                SYN,
                &[34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1],
                b"GET / HTTP/1.0\r\n\r\n",
            )]
        }),
        tcp("SYN of Multipath TCP", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, SYN, &[30, 4, 1, 0x81], &[])]
        }),
        tcp("SYN that joins a connection of Multipath TCP", &BOTH, |f, t| {
            vec![Packet::tcp_with(
                f,
                t,
                SYN,
                &[30, 12, 0x10, 1, 1, 2, 3, 4, 5, 6, 7, 8],
                &[],
            )]
        }),
        tcp("SYN with timestamps", &BOTH, |f, t| {
            vec![Packet::tcp_with(
                f,
                t,
                SYN,
                &[8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1],
                &[],
            )]
        }),
        tcp("SYN, a TCP option of length 0", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, SYN, &[2, 0, 5, 180], &[])]
        }),
        tcp("SYN that is cut behind its flags", &BOTH, |f, t| {
            let mut packet = Packet::tcp(f, t, SYN);
            packet.payload.truncate(14);
            vec![packet]
        }),
        tcp("SYN whose header leads out of the packet", &BOTH, |f, t| {
            let mut packet = Packet::tcp(f, t, SYN);
            packet.payload[12] = 0xf0;
            vec![packet]
        }),
        tcp("SYN, wrong checksum", &BOTH, |f, t| {
            let mut packet = Packet::tcp(f, t, SYN);
            packet.payload[16] ^= 1;
            vec![packet]
        }),
        tcp("SYN from port 0", &BOTH, |f, t| {
            vec![Packet::tcp(Endpoint { port: 0, ..f }, t, SYN)]
        }),
        tcp("SYN in VLAN 0", &BOTH, |f, t| {
            vec![Packet {
                tags: vec![0x81, 0, 0, 0],
                ..Packet::tcp(f, t, SYN)
            }]
        }),
        tcp("SYN behind 5 tags of VLAN 0", &BOTH, |f, t| {
            vec![Packet {
                tags: [0x81, 0, 0, 0].repeat(5),
                ..Packet::tcp(f, t, SYN)
            }]
        }),
        tcp("SYN, then what would finish the handshake", &BOTH, |f, t| {
            vec![
                Packet::tcp(f, t, SYN),
                Packet::tcp(f, t, ACK),
                Packet::tcp(f, t, ACK | FIN),
            ]
        }),
        udp("datagram", &BOTH, |f, t| vec![Packet::udp(f, t, b"quic")]),
        udp("datagram without data", &BOTH, |f, t| {
            vec![Packet::udp(f, t, &[])]
        }),
        udp("datagram, checksum 0", &BOTH, |f, t| {
            let mut packet = Packet::udp(f, t, b"quic");
            packet.payload[6..8].fill(0);
            vec![packet]
        }),
        udp("datagram, wrong checksum", &BOTH, |f, t| {
            let mut packet = Packet::udp(f, t, b"quic");
            packet.payload[6] ^= 1;
            vec![packet]
        }),
        udp("datagram, wrong length", &BOTH, |f, t| {
            let mut packet = Packet::udp(f, t, b"quic");
            packet.payload[5] = 200;
            vec![packet]
        }),
    ]
}

fn fragments() -> Vec<Way> {
    vec![
        tcp("SYN in two fragments", &BOTH, |f, t| {
            let whole = Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]);
            vec![whole.clone().piece(0, 24), whole.piece(3, 64)]
        }),
        tcp("SYN in two fragments, the second one first", &BOTH, |f, t| {
            let whole = Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]);
            vec![whole.clone().piece(3, 64), whole.piece(0, 24)]
        }),
        tcp("SYN in fragments of 8 bytes", &BOTH, |f, t| {
            let whole = Packet::tcp(f, t, SYN);
            (0..3).map(|offset| whole.clone().piece(offset, 8)).collect()
        }),
        tcp("ACK in two fragments", &BOTH, |f, t| {
            let whole = Packet::tcp_with(f, t, ACK, &[], &[b'x'; 64]);
            vec![whole.clone().piece(0, 24), whole.piece(3, 64)]
        }),
        tcp(
            "ACK in two fragments, then flags of a SYN over it",
            &BOTH,
            |f, t| {
                let [ack, syn] = [ACK, SYN].map(|flags| Packet::tcp_with(f, t, flags, &[], &[b'x'; 64]));
                vec![ack.clone().piece(0, 24), syn.piece(1, 16), ack.piece(3, 64)]
            },
        ),
        tcp("first fragment of a SYN and nothing more", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]).piece(0, 24)]
        }),
        tcp("first fragment of an ACK and nothing more", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, ACK, &[], &[b'x'; 64]).piece(0, 24)]
        }),
        tcp("later fragment of a SYN and nothing more", &BOTH, |f, t| {
            vec![Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]).piece(3, 64)]
        }),
        tcp("first 8 bytes of a SYN and nothing more", &BOTH, |f, t| {
            vec![Packet::tcp(f, t, SYN).piece(0, 8)]
        }),
        tcp("first 16 bytes of an ACK and nothing more", &BOTH, |f, t| {
            vec![Packet::tcp(f, t, ACK).piece(0, 16)]
        }),
        tcp(
            "first fragment of an ACK of a length that no first one has",
            V6,
            |f, t| {
                let mut packet = Packet::tcp_with(f, t, ACK, &[], &[b'x'; 64]).piece(0, 24);
                packet.payload.pop();
                vec![packet]
            },
        ),
        udp("datagram in two fragments", &BOTH, |f, t| {
            let whole = Packet::udp(f, t, &[b'x'; 64]);
            vec![whole.clone().piece(0, 16), whole.piece(2, 64)]
        }),
        udp("first fragment of a datagram and nothing more", &BOTH, |f, t| {
            vec![Packet::udp(f, t, &[b'x'; 64]).piece(0, 16)]
        }),
        udp("later fragment of a datagram and nothing more", &BOTH, |f, t| {
            vec![Packet::udp(f, t, &[b'x'; 64]).piece(2, 64)]
        }),
        udp("fragment of no bytes and nothing more", &BOTH, |f, t| {
            vec![
                Packet {
                    payload: Vec::new(),
                    ..Packet::udp(f, t, &[])
                }
                .fragment(0, true),
            ]
        }),
    ]
}

/// ICMP errors to the origin that quote a segment from its port. `head` is their first 8 bytes.
fn error(f: Endpoint, t: Endpoint, head: [u8; 8]) -> Vec<Packet> {
    let quoted = Packet::tcp(t, f, SYN | ACK).frame();
    let body = [&head, &quoted[14..]].concat();
    vec![Packet::icmp(f, t, &body)]
}

fn errors() -> Vec<Way> {
    vec![
        tcp(
            "ICMP: port unreachable, quoting a SYN-ACK of the port",
            V4,
            |f, t| error(f, t, [3, 3, 0, 0, 0, 0, 0, 0]),
        ),
        tcp("ICMP: fragmentation needed, quoting the same", V4, |f, t| {
            error(f, t, [3, 4, 0, 0, 0, 0, 2, 0])
        }),
        tcp("ICMP: time exceeded, quoting the same", V4, |f, t| {
            error(f, t, [11, 0, 0, 0, 0, 0, 0, 0])
        }),
        tcp("ICMP: redirect, quoting the same", V4, |f, t| {
            error(f, t, [5, 1, 0, 0, 198, 51, 100, 66])
        }),
        tcp(
            "ICMPv6: port unreachable, quoting a SYN-ACK of the port",
            V6,
            |f, t| error(f, t, [1, 4, 0, 0, 0, 0, 0, 0]),
        ),
        tcp("ICMPv6: packet too big, quoting the same", V6, |f, t| {
            error(f, t, [2, 0, 0, 0, 0, 0, 5, 0])
        }),
        tcp("ICMPv6: parameter problem, quoting the same", V6, |f, t| {
            error(f, t, [4, 1, 0, 0, 0, 0, 0, 0])
        }),
    ]
}

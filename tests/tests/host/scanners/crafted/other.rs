//! Crafted packets that go to no protected port: other protocols, other ports, fragments and tunnels. The origin
//! answers them as without a filter, and `docs/scanners.md` says so.

use tests::lab::{Family, frame::Endpoint};

use super::{
    V4, V6, Way,
    about_ports::extension::{HOP_BY_HOP, UNKNOWN},
};
use crate::scanners::{
    packet::{
        Packet,
        flag::{ACK, SYN},
    },
    scanned::{BOTH, UDP},
};

type Make = fn(Endpoint, Endpoint) -> Vec<Packet>;

/// A method for other packets. If it names a port, the port is 443.
fn to(name: &'static str, families: &'static [Family], packets: Make) -> Way {
    Way {
        name,
        families,
        ports: (UDP[0], UDP[0]),
        packets,
    }
}

/// This end with another port.
fn port(end: Endpoint, port: u16) -> Endpoint {
    Endpoint { port, ..end }
}

/// A header of 12 bytes that begins with both ports.
fn ports_of(f: Endpoint, t: Endpoint) -> Vec<u8> {
    [f.port.to_be_bytes().as_slice(), &t.port.to_be_bytes(), &[0; 8]].concat()
}

pub fn ways() -> Vec<Way> {
    vec![
        to("echo request", V4, |f, t| {
            vec![Packet::icmp(f, t, &[8, 0, 0, 0, 0, 1, 0, 1])]
        }),
        to("echo request", V6, |f, t| {
            vec![Packet::icmp(f, t, &[128, 0, 0, 0, 0, 1, 0, 1])]
        }),
        to("timestamp request", V4, |f, t| {
            vec![Packet::icmp(
                f,
                t,
                &[[13, 0, 0, 0, 0, 1, 0, 1].as_slice(), &[0; 12]].concat(),
            )]
        }),
        to("SYN to another port", &BOTH, |f, t| {
            vec![Packet::tcp(f, port(t, 22), SYN)]
        }),
        to("datagram to another port", &BOTH, |f, t| {
            vec![Packet::udp(f, port(t, 53), b"dns")]
        }),
        to(
            "first fragment to another port and nothing more",
            &BOTH,
            |f, t| vec![Packet::tcp_with(f, port(t, 22), ACK, &[], &[b'x'; 64]).piece(0, 24)],
        ),
        to(
            "later fragment behind an unknown hop-by-hop option to be reported",
            V6,
            |f, t| {
                let packet = Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]);
                vec![packet.behind(HOP_BY_HOP, &UNKNOWN).piece(3, 64)]
            },
        ),
        to(
            "later fragment of a length that only a last one has",
            V6,
            |f, t| {
                let mut packet = Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]).piece(3, 24);
                packet.payload.pop();
                vec![packet]
            },
        ),
        to(
            "later fragment that reaches beyond the longest packet",
            V6,
            |f, t| vec![Packet::new(f, t, 6, &[b'x'; 64]).fragment(8191, false)],
        ),
        to("later fragment with an option of length 0", V4, |f, t| {
            let packet = Packet::tcp_with(f, t, SYN, &[], &[b'x'; 64]).piece(3, 64);
            vec![Packet {
                options: vec![7, 0, 4, 0],
                ..packet
            }]
        }),
        to("SCTP to port 443", &BOTH, |f, t| {
            vec![Packet::new(f, t, 132, &ports_of(f, t))]
        }),
        to("DCCP to port 443", &BOTH, |f, t| {
            vec![Packet::new(f, t, 33, &ports_of(f, t))]
        }),
        to("UDP-Lite to port 443", &BOTH, |f, t| {
            vec![Packet::udp(f, t, b"quic").udp_lite()]
        }),
        to("protocol 253, for experiments", &BOTH, |f, t| {
            vec![Packet::new(f, t, 253, &ports_of(f, t))]
        }),
        to("no next header", V6, |f, t| {
            vec![Packet::new(f, t, 59, &ports_of(f, t))]
        }),
        to("SYN in an IPv4 tunnel", V4, |f, t| {
            vec![Packet::new(f, t, 4, &Packet::tcp(f, t, SYN).frame()[14..])]
        }),
        to("SYN in an IPv6 tunnel", V6, |f, t| {
            vec![Packet::new(f, t, 41, &Packet::tcp(f, t, SYN).frame()[14..])]
        }),
        to("SYN in GRE", V4, |f, t| {
            let inner = Packet::tcp(f, t, SYN).frame();
            vec![Packet::new(f, t, 47, &[&[0, 0, 8, 0], &inner[14..]].concat())]
        }),
        to("SYN behind an authentication header", V4, |f, t| {
            let inner = Packet::tcp(f, t, SYN).payload;
            vec![Packet::new(
                f,
                t,
                51,
                &[
                    [
                        6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                    ]
                    .as_slice(),
                    &inner,
                ]
                .concat(),
            )]
        }),
    ]
}

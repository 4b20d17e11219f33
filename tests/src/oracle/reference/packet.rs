//! What an IP packet wants, as far as a host could read it.

use std::net::IpAddr;

use etherparse::{IpNumber, TcpHeaderSlice, UdpHeaderSlice};
use filter_common::Reason;

/// The fields of a packet that the verdict depends on.
pub struct Packet {
    /// Source and destination, if the IP header is whole.
    pub ends: Option<(IpAddr, IpAddr)>,
    pub wants: Wants,
}

/// What a packet wants from the host.
#[derive(Clone, Copy)]
pub enum Wants {
    /// A TCP segment for a port.
    Tcp {
        from: u16,
        to: u16,
        syn: bool,
        ack: bool,
        /// Whether the header is whole, and connection tracking accepts its flags.
        makes_sense: bool,
    },
    /// A datagram for a UDP port, if any UDP port is protected.
    Udp { to: u16 },
    /// A protocol that no row names.
    AnotherProtocol,
    /// A later fragment, which the host appends to its first fragment.
    LaterFragment,
    /// The headers hide the port.
    Hidden(Reason),
}

impl Wants {
    /// The headers end too early, or never end.
    pub const fn hidden(first_fragment: bool) -> Self {
        Self::Hidden(if first_fragment {
            Reason::Fragment
        } else {
            Reason::Malformed
        })
    }

    /// Reads the part after the IP header, up to the end of the packet.
    pub fn of(protocol: IpNumber, bytes: &[u8], first_fragment: bool, udp: bool) -> Self {
        if !matters(protocol, udp) {
            return Self::AnotherProtocol;
        }
        let wants = if protocol == IpNumber::TCP {
            tcp(bytes)
        } else {
            datagram(bytes)
        };
        wants.unwrap_or(Self::hidden(first_fragment))
    }
}

/// Whether a row of the table names this protocol.
pub fn matters(protocol: IpNumber, udp: bool) -> bool {
    protocol == IpNumber::TCP || (udp && protocol == IpNumber::UDP)
}

/// Reads a segment whose header reaches its flags. The bytes after them are filled in, because etherparse reads whole
/// headers only.
fn tcp(bytes: &[u8]) -> Option<Wants> {
    const FLAGS_END: usize = 14;
    const NO_OPTIONS: u8 = 5 << 4;
    if bytes.len() < FLAGS_END {
        return None;
    }
    let mut whole = [0; 20];
    whole[..FLAGS_END].copy_from_slice(&bytes[..FLAGS_END]);
    whole[12] = NO_OPTIONS;
    let header = TcpHeaderSlice::from_slice(&whole).ok()?;
    Some(Wants::Tcp {
        from: header.source_port(),
        to: header.destination_port(),
        syn: header.syn(),
        ack: header.ack(),
        makes_sense: TcpHeaderSlice::from_slice(bytes).is_ok_and(|whole| has_usual_flags(&whole)),
    })
}

/// Whether Linux connection tracking accepts this combination of flags (`tcp_valid_flags` in
/// `net/netfilter/nf_conntrack_proto_tcp.c`). It ignores PSH, ECE and CWR.
fn has_usual_flags(header: &TcpHeaderSlice<'_>) -> bool {
    let [syn, fin, rst, ack] = [header.syn(), header.fin(), header.rst(), header.ack()];
    match (syn, fin, rst) {
        (true, false, false) => !(ack && header.urg()),
        (false, true, false) | (false, false, false) => ack,
        (false, false, true) => !header.urg(),
        _ => false,
    }
}

/// Reads a datagram whose header reaches its ports.
fn datagram(bytes: &[u8]) -> Option<Wants> {
    const PORTS_END: usize = 4;
    if bytes.len() < PORTS_END {
        return None;
    }
    let mut whole = [0; 8];
    whole[..PORTS_END].copy_from_slice(&bytes[..PORTS_END]);
    let header = UdpHeaderSlice::from_slice(&whole).ok()?;
    Some(Wants::Udp {
        to: header.destination_port(),
    })
}

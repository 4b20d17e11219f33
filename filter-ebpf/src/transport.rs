//! The transport header: TCP, and UDP where UDP ports are protected.

use filter_common::headers::{protocol, tcp, udp};

use crate::{
    frame::{Frame, Window},
    network::{IpPacket, TransportBytes},
    packet::{Kind, Packet, Ports},
    settings,
};

/// Reads the transport header of an IP packet.
#[inline(always)]
pub fn read<A, const SCATTERED: bool>(frame: &Frame<SCATTERED>, packet: IpPacket<A>) -> Packet<A> {
    let bytes = &packet.transport;
    let found = match packet.settled {
        Some(kind) => Some((kind, Ports::default())),
        None if bytes.protocol == protocol::TCP => within(frame, bytes, tcp),
        None if bytes.protocol == protocol::UDP && settings::protects_any_udp() => within(frame, bytes, udp),
        None => Some((Kind::Other, Ports::default())),
    };
    let (kind, ports) = found.unwrap_or((bytes.too_short(), Ports::default()));
    Packet {
        source: packet.source,
        destination: packet.destination,
        kind,
        ports,
    }
}

/// Calls `read` with the first `N` bytes of a transport header; `None` if the packet or the frame ends before.
#[inline(always)]
fn within<const N: usize, const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    bytes: &TransportBytes,
    read: impl FnOnce(Window<'_, N, SCATTERED>) -> (Kind, Ports),
) -> Option<(Kind, Ports)> {
    if bytes.begin + N > bytes.end {
        return None;
    }
    frame.read(bytes.begin, read)
}

/// Reads a TCP header up to its flags.
#[inline(always)]
pub fn tcp<const COPIED: bool>(header: Window<'_, { tcp::FLAGS_END }, COPIED>) -> (Kind, Ports) {
    let kind = if header.u8::<{ tcp::FLAGS }>() & (tcp::SYN | tcp::ACK) == tcp::SYN {
        Kind::Syn
    } else {
        Kind::Segment
    };
    (kind, Ports(header.raw_u32::<{ tcp::PORTS }>()))
}

/// Reads a UDP header up to its ports.
#[inline(always)]
pub fn udp<const COPIED: bool>(header: Window<'_, { udp::PORTS_END }, COPIED>) -> (Kind, Ports) {
    (Kind::Udp, Ports(header.raw_u32::<{ udp::PORTS }>()))
}

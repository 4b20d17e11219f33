//! What a packet wants of a protected port.

use filter_common::{TCP_FLAGS_END, UDP_PORTS_END};

use crate::{
    frame::Frame,
    network::{Datagram, Payload, Transport, protocol},
    settings,
};

/// A packet's business with the protected ports.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Approach {
    /// None: another protocol, another port, or a later fragment.
    None,
    /// A TCP segment to a protected port.
    Tcp,
    /// A datagram to a protected UDP port.
    Udp,
    /// It might have: its headers are cut short or too many.
    Malformed,
    /// It might have: the fragment hides the transport header.
    EvasiveFragment,
}

/// What matters of a TCP segment.
#[derive(Clone, Copy, Default)]
pub struct Segment {
    /// Source and destination port as they lie in the frame.
    pub ports: u32,
    flags: u8,
}

impl Segment {
    /// Whether it asks for a new connection: SYN set and ACK clear, whatever the other flags. Linux
    /// answers SYN with PSH, URG, ECE or CWR as it answers a plain one.
    #[inline(always)]
    pub fn opens_connection(self) -> bool {
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        self.flags & (SYN | ACK) == SYN
    }
}

/// A packet's approach and, meaningful with [`Approach::Tcp`] alone, the segment: beside the approach and
/// not inside of it, as the verifier refuses a register that was never written.
#[inline(always)]
pub fn approach<A, const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    datagram: &Datagram<A>,
) -> (Approach, Segment) {
    let transport = &datagram.transport;
    match datagram.payload {
        Payload::Transport if transport.protocol == protocol::TCP => tcp(frame, transport),
        Payload::Transport if transport.protocol == protocol::UDP && settings::any_udp() => {
            (udp(frame, transport), Segment::default())
        }
        Payload::Transport | Payload::LaterFragment => (Approach::None, Segment::default()),
        Payload::Malformed => (Approach::Malformed, Segment::default()),
        Payload::EvasiveFragment => (Approach::EvasiveFragment, Segment::default()),
    }
}

#[inline(always)]
fn tcp<const SCATTERED: bool>(frame: &Frame<SCATTERED>, transport: &Transport) -> (Approach, Segment) {
    // RFC 9293, section 3.1: the flags are in the 14th byte.
    let header = || {
        if transport.at + TCP_FLAGS_END > transport.end {
            return None;
        }
        frame.read::<TCP_FLAGS_END, _>(transport.at, |header| {
            (
                header.u16::<2>(),
                Segment {
                    ports: header.raw_u32::<0>(),
                    flags: header.u8::<13>(),
                },
            )
        })
    };
    match header() {
        None => (too_short(transport), Segment::default()),
        Some((port, segment)) if settings::protects_tcp(port) => (Approach::Tcp, segment),
        Some(_) => (Approach::None, Segment::default()),
    }
}

#[inline(always)]
fn udp<const SCATTERED: bool>(frame: &Frame<SCATTERED>, transport: &Transport) -> Approach {
    let port = || {
        if transport.at + UDP_PORTS_END > transport.end {
            return None;
        }
        frame.read::<UDP_PORTS_END, _>(transport.at, |header| header.u16::<2>())
    };
    match port() {
        None => too_short(transport),
        Some(port) if settings::protects_udp(port) => Approach::Udp,
        Some(_) => Approach::None,
    }
}

/// What to make of a packet that ends before its transport header does.
#[inline(always)]
fn too_short(transport: &Transport) -> Approach {
    if transport.fragmented {
        Approach::EvasiveFragment
    } else {
        Approach::Malformed
    }
}

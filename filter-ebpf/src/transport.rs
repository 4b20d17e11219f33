//! What a packet wants of a protected port.

use filter_common::{TCP_FLAGS_END, UDP_PORTS_END};

use crate::{
    frame::{Frame, Window},
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

/// A packet, as the table of verdicts sees it.
pub struct Packet<A> {
    pub source: A,
    pub destination: A,
    pub approach: Approach,
    /// Meaningful with [`Approach::Tcp`] alone; beside the approach and not inside of it, as the verifier refuses a
    /// register that was never written.
    pub segment: Segment,
}

impl<A> Packet<A> {
    /// Reads the transport header of a datagram.
    #[inline(always)]
    pub fn read<const SCATTERED: bool>(frame: &Frame<SCATTERED>, datagram: Datagram<A>) -> Self {
        let (approach, segment) = approach(frame, datagram.payload, &datagram.transport);
        Self {
            source: datagram.source,
            destination: datagram.destination,
            approach,
            segment,
        }
    }
}

#[inline(always)]
fn approach<const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    payload: Payload,
    transport: &Transport,
) -> (Approach, Segment) {
    let nothing = Segment::default();
    match payload {
        Payload::Transport if transport.protocol == protocol::TCP => {
            within(frame, transport, tcp).unwrap_or((too_short(transport), nothing))
        }
        Payload::Transport if transport.protocol == protocol::UDP && settings::any_udp() => {
            let approach = within(frame, transport, udp);
            (approach.unwrap_or(too_short(transport)), nothing)
        }
        Payload::Transport | Payload::LaterFragment => (Approach::None, nothing),
        Payload::Malformed => (Approach::Malformed, nothing),
        Payload::EvasiveFragment => (Approach::EvasiveFragment, nothing),
    }
}

/// Calls `read` with the first `N` bytes of a transport header; `None` if the packet or the frame ends before.
#[inline(always)]
fn within<const N: usize, const SCATTERED: bool, T>(
    frame: &Frame<SCATTERED>,
    transport: &Transport,
    read: impl FnOnce(&Window<N, SCATTERED>) -> T,
) -> Option<T> {
    if transport.at + N > transport.end {
        return None;
    }
    frame.read(transport.at, read)
}

/// The approach of a TCP header (RFC 9293, section 3.1), which the flags end.
#[inline(always)]
pub fn tcp<const COPIED: bool>(header: &Window<TCP_FLAGS_END, COPIED>) -> (Approach, Segment) {
    let segment = Segment {
        ports: header.raw_u32::<0>(),
        flags: header.u8::<13>(),
    };
    // Whoever sent it, and to whatever port, the table would pass it: established connections pay for no more.
    if settings::passes_segments() && !segment.opens_connection() {
        (Approach::None, segment)
    } else if settings::protects_tcp(header.raw_u16::<2>()) {
        (Approach::Tcp, segment)
    } else {
        (Approach::None, segment)
    }
}

/// The approach of a UDP header (RFC 768).
#[inline(always)]
pub fn udp<const COPIED: bool>(header: &Window<UDP_PORTS_END, COPIED>) -> Approach {
    if settings::protects_udp(header.raw_u16::<2>()) {
        Approach::Udp
    } else {
        Approach::None
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

//! A packet as the table of verdicts sees it.

/// What the headers of a packet turned out to be. It is as wide as the numbers that BPF compares, because a narrower one
/// would be masked before each comparison.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing that a protected port could receive: another protocol, or a later fragment. Without its first fragment, a
    /// later one never becomes a packet.
    Other = 1,
    /// A TCP segment that asks for a new connection: SYN set and ACK clear, whatever the other flags. Linux answers SYN
    /// with PSH, URG, ECE or CWR as it answers a plain one.
    Syn = 2,
    /// Any other TCP segment.
    Segment = 3,
    /// A UDP datagram, where UDP ports are protected.
    Udp = 4,
    /// Headers that are cut short, impossible or too many. A host might still find a transport header behind them.
    Malformed = 5,
    /// A fragment made to hide the transport header.
    Fragment = 6,
}

/// The source port and the destination port, as they lie in the frame.
#[derive(Clone, Copy, Default)]
pub struct Ports(pub u32);

impl Ports {
    /// The source port and the destination port, each as it lies in the frame.
    #[inline(always)]
    pub fn each(self) -> (u16, u16) {
        let [s0, s1, d0, d1] = self.0.to_ne_bytes();
        (u16::from_ne_bytes([s0, s1]), u16::from_ne_bytes([d0, d1]))
    }
}

/// An IP packet whose headers have been read.
pub struct Packet<A> {
    pub source: A,
    pub destination: A,
    pub kind: Kind,
    /// Valid for TCP and UDP only. They stand beside the kind and not inside it, because the verifier refuses a register
    /// that was never written.
    pub ports: Ports,
}

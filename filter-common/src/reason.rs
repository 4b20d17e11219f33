//! Why a packet was dropped, and the counters of one interface.

use crate::Count;

/// How many reasons there are.
pub const REASONS: usize = 8;

/// Why a packet was dropped (or would have been, under the `observe` policy).
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The destination is a former address of this host.
    Retired = 0,
    /// The longest matching prefix of the source is a deny entry.
    Denied = 1,
    /// A new TCP connection from a source that nobody trusts.
    UntrustedSyn = 2,
    /// A TCP segment from an untrusted source for which this host has no connection.
    UntrustedStray = 3,
    /// Any other TCP segment from an untrusted source, at drop level `all`.
    UntrustedSegment = 4,
    /// A datagram from an untrusted source to a protected UDP port.
    UntrustedUdp = 5,
    /// Headers that are cut short, contradict themselves or go on for too long.
    Malformed = 6,
    /// A fragment made to hide the transport header.
    Fragment = 7,
}

impl Reason {
    /// Every reason, in the order of its index.
    pub const ALL: [Self; REASONS] = [
        Self::Retired,
        Self::Denied,
        Self::UntrustedSyn,
        Self::UntrustedStray,
        Self::UntrustedSegment,
        Self::UntrustedUdp,
        Self::Malformed,
        Self::Fragment,
    ];

    /// The name that users see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Denied => "denied",
            Self::UntrustedSyn => "untrusted-syn",
            Self::UntrustedStray => "untrusted-stray",
            Self::UntrustedSegment => "untrusted-segment",
            Self::UntrustedUdp => "untrusted-udp",
            Self::Malformed => "malformed",
            Self::Fragment => "fragment",
        }
    }
}

/// What one CPU counted on one interface.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct InterfaceCounts {
    /// Packets that passed, for whatever cause.
    pub passed: Count,
    /// Packets that were dropped, by the index of the reason.
    pub dropped: [Count; REASONS],
    /// Packets that `observe` let pass and `enforce` would have dropped, by the index of the reason.
    pub would_drop: [Count; REASONS],
}

const _: () = assert!(size_of::<InterfaceCounts>() == 16 * (1 + 2 * REASONS));

//! Why a packet was dropped, and the counters of one interface.

use crate::{Count, numbered::numbered};

numbered! {
    /// Why a packet was dropped (or would have been, under the `observe` policy). The number is the index of the reason's
    /// counter.
    pub enum Reason {
        /// The destination is a retired prefix: a former address of this host.
        Retired = 0,
        /// The longest matching prefix of the source is a deny entry.
        Denied = 1,
        /// A TCP segment from an untrusted source that asks for a new connection.
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
}

/// How many reasons there are.
pub const REASONS: usize = Reason::ALL.len();

// The numbers are the indexes of an array: they begin at 0 and leave no gap.
const _: () = {
    let mut index = 0;
    while index < REASONS {
        assert!(Reason::ALL[index].index() == index);
        index += 1;
    }
};

impl Reason {
    /// The index of the reason's counter.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.number() as usize
    }

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
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct InterfaceCounts {
    /// All packets that passed.
    pub passed: Count,
    /// Packets that were dropped, by [`Reason::index`].
    pub dropped: [Count; REASONS],
    /// Packets that `observe` let pass and `enforce` would have dropped, by [`Reason::index`].
    pub would_drop: [Count; REASONS],
}

const _: () = assert!(size_of::<InterfaceCounts>() == 16 * (1 + 2 * REASONS));

//! What the tries say about a prefix.

use crate::{GENERATIONS, MAX_PREFIXES, numbered::numbered};

/// The number of slots. A prefix keeps its slot for its counter. There is room for four full tries, and for four others
/// without a common prefix while the first four are replaced.
pub const SLOT_LIMIT: u32 = 8 * MAX_PREFIXES;

numbered! {
    /// What happens to a packet whose source (or, for `Retire`, destination) a prefix matches.
    pub enum Action {
        /// It passes.
        Trust = 1,
        /// It is dropped, although a wider prefix is trusted.
        Deny = 2,
        /// It is dropped, whatever it is: the host no longer answers on that address.
        Retire = 3,
    }
}

/// The value in a trie, in 32 bits: the action, whether the prefix has a deadline, and its slot.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Decision(pub u32);

impl Decision {
    const ACTION_SHIFT: u32 = 30;
    const EXPIRES: u32 = 1 << 29;
    const SLOT_MASK: u32 = Self::EXPIRES - 1;

    /// A decision about the prefix that has `slot`.
    pub const fn new(action: Action, slot: u32, expires: bool) -> Self {
        let expires = if expires { Self::EXPIRES } else { 0 };
        Self((action.number() as u32) << Self::ACTION_SHIFT | expires | (slot & Self::SLOT_MASK))
    }

    /// What happens to the packet; `None` if the bits name no action.
    #[inline(always)]
    pub const fn action(self) -> Option<Action> {
        Action::from_number((self.0 >> Self::ACTION_SHIFT) as u8)
    }

    /// Whether the prefix has a deadline in the map of expiries.
    #[inline(always)]
    pub const fn expires(self) -> bool {
        self.0 & Self::EXPIRES != 0
    }

    /// The slot of the prefix's counters.
    #[inline(always)]
    pub const fn slot(self) -> u32 {
        self.0 & Self::SLOT_MASK
    }
}

const _: () = assert!(SLOT_LIMIT - 1 <= Decision::SLOT_MASK);
const _: () = {
    let mut index = 0;
    while index < Action::ALL.len() {
        // The number has two bits, and 0 stands for no decision.
        assert!(matches!(Action::ALL[index].number(), 1..=3));
        index += 1;
    }
};

/// The deadline of a prefix, and its length. The length is needed to look for the next wider prefix.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Expiry {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub deadline_ns: u64,
    /// The prefix's length in bits.
    pub prefix_len: u32,
    /// Always 0.
    pub reserved: u32,
}

impl Expiry {
    /// The key of a prefix's expiry, by its slot and the generation. Each generation has keys of its own, so a list that
    /// is being built changes nothing in the list in force.
    #[inline(always)]
    pub const fn key(slot: u32, generation: u32) -> u32 {
        slot * GENERATIONS + generation
    }

    /// The generation of a key.
    pub const fn generation(key: u32) -> u32 {
        key % GENERATIONS
    }
}

const _: () = assert!(size_of::<Expiry>() == 16);

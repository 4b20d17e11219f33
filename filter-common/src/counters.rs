//! Counters, and where the counter of a prefix is.
//!
//! A prefix has a slot. The counters of slots are in chunks: arrays of a fixed size that are made when they are first
//! needed, and never move. So memory follows the number of prefixes, not the number of CPUs, and no program has to be
//! reloaded when the list grows.
//!
//! CPUs do not add to a chunk packet by packet. Each CPU keeps the counts of the slots that it met last, and adds them to
//! the chunk when another slot takes their place. So no CPU waits for another during a flood from a denied range, and the
//! sum is exact.
//!
//! The counter of a slot only grows. A prefix remembers the count that its slot had when the prefix got it.

/// A number of packets, and of their bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Count {
    /// How many packets.
    pub packets: u64,
    /// Their bytes, from the Ethernet header on, without the frame check sequence.
    pub bytes: u64,
}

/// What was counted on one slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct PrefixCount {
    /// How many packets.
    pub packets: u64,
    /// Their bytes, from the Ethernet header on.
    pub bytes: u64,
    /// When the last one came, in nanoseconds of `CLOCK_MONOTONIC`; 0 if none did.
    pub last_ns: u64,
    /// Always 0. It makes a counter 32 bytes long, so that a cache line holds whole counters.
    pub reserved: u64,
}

/// What one CPU counted on a slot since the slot got this place in [`RecentCounts`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct RecentCount {
    /// The number of the slot plus one; 0 for an empty place.
    pub slot: u32,
    /// Twice the number of times that the place went to another slot. It is odd while the counts are being added to the
    /// chunk: then they may be in both.
    pub turn: u32,
    /// How many packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the last one came, in nanoseconds of `CLOCK_MONOTONIC`.
    pub last_ns: u64,
}

/// Places on each CPU: 8 KiB. Only the places of prefixes that packets match take cache. It is no associated constant,
/// because bytemuck's derive does not know `Self`.
const RECENT_LEN: usize = 256;

/// The slots that one CPU met last.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct RecentCounts {
    /// A slot can stand only in the place of [`RecentCounts::place`].
    pub places: [RecentCount; RECENT_LEN],
}

impl RecentCounts {
    /// How many places there are.
    pub const LEN: usize = RECENT_LEN;

    /// The place of a slot. Neighbours in a list have different places.
    #[inline(always)]
    pub const fn place(slot: u32) -> usize {
        slot as usize & (Self::LEN - 1)
    }
}

const _: () = assert!(size_of::<Count>() == 16);
const _: () = assert!(size_of::<PrefixCount>() == 32);
const _: () = assert!(size_of::<RecentCount>() == 32);
const _: () = assert!(size_of::<RecentCounts>() == 8 * 1024);

/// Where the counter of a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunked {
    /// Which chunk.
    pub chunk: u32,
    /// Which counter in it.
    pub index: u32,
}

impl Chunked {
    /// Counters in one chunk: 128 KiB of them.
    pub const CHUNK_LEN: u32 = 4096;
    /// The most chunks: enough for every slot.
    pub const MAX_CHUNKS: u32 = crate::SLOT_LIMIT / Self::CHUNK_LEN;

    /// Where the counter of `slot` is.
    #[inline(always)]
    pub const fn locate(slot: u32) -> Self {
        Self {
            chunk: slot / Self::CHUNK_LEN,
            index: slot & (Self::CHUNK_LEN - 1),
        }
    }
}

const _: () = assert!(Chunked::CHUNK_LEN.is_power_of_two());

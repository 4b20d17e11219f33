//! Counts, and where the count of a prefix lies.
//!
//! A prefix has a slot. The counts of slots lie in chunks, arrays of a fixed size that are made when they are first
//! needed and never move: memory follows the number of prefixes, whatever the number of CPUs, and no program has
//! to be reloaded when the list grows. CPUs do not add to them packet by packet: each keeps the counts of the
//! slots that it met last to itself, and adds them to the chunk when another slot takes their place. So a flood
//! from a denied range is counted without one CPU waiting for another, and the sum is exact.
//!
//! What was counted on a slot only ever grows. A prefix remembers where its slot stood when it got it.

/// Packets and bytes.
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
    /// Keeps two counters from sharing 32 bytes, so that a line of 64 holds whole counters.
    pub reserved: u64,
}

/// What one CPU counted on a slot since the slot got this place.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct RecentCount {
    /// The slot, and one more; 0 for an empty place.
    pub slot: u32,
    /// How often the place has changed hands, twice; odd while the counts are on their way to the chunk and stand
    /// in both.
    pub turn: u32,
    /// How many packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the last one came.
    pub last_ns: u64,
}

/// Places on each CPU: 8 KiB, of which as much is in a cache as there are prefixes that packets match. Apart from
/// [`RecentCounts::LEN`], since a derive does not know `Self`.
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

    /// The place of a slot. Neighbours in a list do not share one.
    #[inline(always)]
    pub const fn place(slot: u32) -> usize {
        slot as usize & (Self::LEN - 1)
    }
}

const _: () = assert!(size_of::<Count>() == 16);
const _: () = assert!(size_of::<PrefixCount>() == 32);
const _: () = assert!(size_of::<RecentCount>() == 32);
const _: () = assert!(size_of::<RecentCounts>() == 8 * 1024);

/// Where the count of a slot lies.
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
    /// Chunks at the most: enough for every slot.
    pub const MAX_CHUNKS: u32 = crate::SLOT_LIMIT / Self::CHUNK_LEN;

    /// Where the counter of `slot` lies.
    #[inline(always)]
    pub const fn locate(slot: u32) -> Self {
        Self {
            chunk: slot / Self::CHUNK_LEN,
            index: slot & (Self::CHUNK_LEN - 1),
        }
    }
}

const _: () = assert!(Chunked::CHUNK_LEN.is_power_of_two());

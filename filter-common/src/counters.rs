//! Counts, and where the count of a prefix lies.
//!
//! The counts of prefixes lie in chunks, arrays of a fixed size that are made when they are first needed
//! and never move. So a count stays exact through adds, replaces and upgrades, memory follows the number
//! of prefixes, and no program has to be reloaded when the list grows.

/// Packets and bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many packets.
    pub packets: u64,
    /// Their bytes, from the Ethernet header on, without the frame check sequence.
    pub bytes: u64,
}

/// What was counted on one prefix, in one shard.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

const _: () = assert!(size_of::<Count>() == 16);
const _: () = assert!(size_of::<PrefixCount>() == 32);

/// Where the counters of a prefix lie.
///
/// A prefix has a slot, and a slot has [`Chunked::SHARDS`] counters, which CPUs share out among
/// themselves: enough that the CPUs of a NIC do not fight for one cache line while a denied range floods
/// them, few enough that a million prefixes fit on any number of CPUs. Additions are atomic, so the sum
/// is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunked {
    /// Which chunk.
    pub chunk: u32,
    /// Which counter in it.
    pub index: u32,
}

impl Chunked {
    /// Counters of one slot. A power of two.
    pub const SHARDS: u32 = 4;
    /// Counters in one chunk: 128 KiB of them.
    pub const CHUNK_LEN: u32 = 4096;
    /// Chunks at the most: enough for every slot.
    pub const MAX_CHUNKS: u32 = crate::SLOT_LIMIT / (Self::CHUNK_LEN / Self::SHARDS);

    /// The counter of `slot` that the CPU numbered `cpu` adds to.
    #[inline(always)]
    pub const fn locate(slot: u32, cpu: u32) -> Self {
        let counter = slot * Self::SHARDS + (cpu & (Self::SHARDS - 1));
        Self {
            chunk: counter / Self::CHUNK_LEN,
            index: counter & (Self::CHUNK_LEN - 1),
        }
    }
}

const _: () = assert!(Chunked::SHARDS.is_power_of_two() && Chunked::CHUNK_LEN.is_power_of_two());

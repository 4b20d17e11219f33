//! Reads the counters of listed prefixes.
//!
//! Each prefix has a slot, and each slot has a counter. The counters are in chunks of 4,096. Each CPU also keeps
//! the counts of the slots that it met last to itself. A CPU may move such a count to its chunk at any moment. So
//! a reader reads the CPUs, the chunk, and the CPUs again.

use std::fs;

use aya::maps::{Array, IterableMap as _, MapData, PerCpuArray};
use filter_common::{Chunked, PrefixCount, RecentCount, RecentCounts};

use super::error::Result;
use crate::{
    pins::{
        directory::Pins,
        names::{CHUNKS, PREFIX_COUNTS, RECENT_COUNTS},
    },
    sys::{
        bpf::{
            array_of_maps,
            mapped::{MMAPABLE, Mapped},
        },
        error::Doing as _,
    },
};

type Chunk = Array<MapData, PrefixCount>;

/// Creates and pins the array of maps that holds the chunks. It has no chunks yet.
pub fn make_maps(pins: &Pins) -> Result<()> {
    let template = make_chunk()?;
    Ok(array_of_maps::create(
        pins.path(),
        PREFIX_COUNTS,
        Chunked::MAX_CHUNKS,
        &template,
    )?)
}

fn make_chunk() -> Result<Chunk> {
    Ok(Chunk::create(Chunked::CHUNK_LEN, MMAPABLE).doing(|| "cannot make a chunk of counters".into())?)
}

/// Whether chunk `number` exists.
///
/// # Errors
///
/// Fails if the pin directory cannot be read. The answer must not be "missing" then. The caller would make a new
/// chunk, and the counts in the old one would be lost.
pub fn has_chunk(pins: &Pins, number: u32) -> Result<bool> {
    Ok(fs::exists(pins.join(format!("{CHUNKS}/{number}")))
        .doing(|| format!("cannot look for chunk {number} of the counters"))?)
}

/// Creates the chunks among `numbers` that do not exist yet, and returns the numbers of these new chunks.
pub fn make_chunks(pins: &Pins, numbers: impl Iterator<Item = u32>) -> Result<Vec<u32>> {
    let mut missing = Vec::new();
    for number in numbers {
        if !has_chunk(pins, number)? {
            missing.push(number);
        }
    }
    let chunks: Vec<Chunk> = missing.iter().map(|_| make_chunk()).collect::<Result<_>>()?;
    // Put the chunk into the array before pinning it. So the program counts in every chunk that has a pin.
    array_of_maps::set_all(
        pins.path(),
        PREFIX_COUNTS,
        &missing,
        chunks.iter().map(|chunk| chunk.map()),
    )?;
    for (number, chunk) in missing.iter().zip(&chunks) {
        chunk
            .map()
            .pin(pins.join(format!("{CHUNKS}/{number}")))
            .doing(|| format!("cannot pin chunk {number} of the counters"))?;
    }
    Ok(missing)
}

/// How often a count is read, at most, while a CPU keeps moving it. After the last attempt only the count in the
/// chunk is returned. Each attempt takes two system calls. A CPU moves the same count again only after about as
/// many packets of different prefixes as it has places.
const TRIES: usize = 64;

/// The packets and bytes counted on each of `slots`, since the slot was first used. Sorted slots are read fastest,
/// because each chunk is then opened only once.
pub fn totals(pins: &Pins, slots: &[u32]) -> Result<Vec<PrefixCount>> {
    let recent: PerCpuArray<MapData, RecentCounts> = pins.map(RECENT_COUNTS)?;
    let recent = || -> Result<Vec<RecentCounts>> {
        let cpus = recent
            .get(&0, 0)
            .doing(|| "cannot read the counters of the CPUs".into())?;
        Ok(cpus.iter().copied().collect())
    };
    totals_of(&mut Chunks::new(pins), recent, slots)
}

/// Computes [`totals`] from any chunks and CPU counts, so that tests need no kernel.
pub fn totals_of(
    chunks: &mut impl ReadChunk,
    recent: impl Fn() -> Result<Vec<RecentCounts>>,
    slots: &[u32],
) -> Result<Vec<PrefixCount>> {
    let mut totals = vec![PrefixCount::default(); slots.len()];
    let mut wanted: Vec<usize> = (0..slots.len()).collect();
    for _ in 0..TRIES {
        let before = recent()?;
        for number in &wanted {
            totals[*number] = chunks.read(slots[*number])?;
        }
        let after = recent()?;
        // A sum is right only if no CPU moved this count between the two reads. Otherwise a part of it may be in
        // the chunk too, and would count twice.
        let is_unmoved = |slot: u32| {
            let place = RecentCounts::place(slot);
            let same = |(before, after): (&RecentCounts, &RecentCounts)| {
                let (before, after) = (before.places[place], after.places[place]);
                before.slot != slot + 1
                    || before.turn.is_multiple_of(2) && (before.slot, before.turn) == (after.slot, after.turn)
            };
            before.iter().zip(&after).all(same)
        };
        let moved: Vec<usize> = wanted
            .iter()
            .copied()
            .filter(|number| !is_unmoved(slots[*number]))
            .collect();
        for number in &wanted {
            if moved.binary_search(number).is_err() {
                before
                    .iter()
                    .map(|cpu| &cpu.places[RecentCounts::place(slots[*number])])
                    .filter(|place| place.slot == slots[*number] + 1)
                    .for_each(|place| add_recent(&mut totals[*number], place));
            }
        }
        if moved.is_empty() {
            break;
        }
        wanted = moved;
    }
    Ok(totals)
}

fn add_recent(total: &mut PrefixCount, recent: &RecentCount) {
    total.packets = total.packets.saturating_add(recent.packets);
    total.bytes = total.bytes.saturating_add(recent.bytes);
    total.last_ns = total.last_ns.max(recent.last_ns);
}

/// Reads the counter that the chunks hold for a slot.
pub trait ReadChunk {
    /// The count in the chunk of `slot`, without what CPUs still keep to themselves. A slot without a chunk has a
    /// count of 0.
    fn read(&mut self, slot: u32) -> Result<PrefixCount>;
}

/// The pinned chunks. Only one is open at a time, because all chunks of a million prefixes would take 32 MB.
struct Chunks<'a> {
    pins: &'a Pins,
    open: Option<(u32, Option<Mapped<PrefixCount>>)>,
}

impl<'a> Chunks<'a> {
    fn new(pins: &'a Pins) -> Self {
        Self { pins, open: None }
    }
}

impl ReadChunk for Chunks<'_> {
    fn read(&mut self, slot: u32) -> Result<PrefixCount> {
        let Chunked { chunk, index } = Chunked::locate(slot);
        if self.open.as_ref().is_none_or(|(number, _)| *number != chunk) {
            let mapped = has_chunk(self.pins, chunk)?
                .then(|| self.pins.mapped(format!("{CHUNKS}/{chunk}")))
                .transpose()?;
            self.open = Some((chunk, mapped));
        }
        let counters = self.open.as_ref().and_then(|(_, counters)| counters.as_ref());
        Ok(counters
            .and_then(|counters| counters.get(index as usize))
            .unwrap_or_default())
    }
}
#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        collections::BTreeMap,
    };

    use super::*;

    /// A CPU and a chunk. `happens` runs before and after each read of the chunk, so that the CPU can move a count
    /// there.
    struct Cpu<'a> {
        chunk: &'a RefCell<BTreeMap<u32, PrefixCount>>,
        happens: &'a dyn Fn(),
    }

    impl ReadChunk for Cpu<'_> {
        fn read(&mut self, slot: u32) -> Result<PrefixCount> {
            (self.happens)();
            let count = self.chunk.borrow().get(&slot).copied().unwrap_or_default();
            (self.happens)();
            Ok(count)
        }
    }

    #[test]
    fn a_counter_that_is_being_moved_is_neither_lost_nor_counted_twice() {
        // The two slots share a place, so each packet of one moves the count of the other to the chunk. Each round
        // stops the traffic after one more event.
        let (ours, other) = (5, 5 + RecentCounts::LEN as u32);
        for stops_after in 0..40 {
            let chunk = RefCell::new(BTreeMap::new());
            let place = Cell::new(RecentCount::default());
            let (sent, events) = (Cell::new(0_u64), Cell::new(0));
            let happens = || {
                if events.replace(events.get() + 1) >= stops_after {
                    return;
                }
                let slot = if events.get() % 2 == 0 { ours } else { other };
                let mut now = place.get();
                if now.slot != slot + 1 {
                    if let Some(held) = now.slot.checked_sub(1) {
                        add_recent(chunk.borrow_mut().entry(held).or_default(), &now);
                    }
                    now = RecentCount {
                        slot: slot + 1,
                        turn: now.turn + 2,
                        ..Default::default()
                    };
                }
                now.packets += 1;
                now.bytes += 60;
                now.last_ns += 1;
                sent.set(sent.get() + u64::from(slot == ours));
                place.set(now);
            };
            let recent = || {
                happens();
                let mut counts = RecentCounts {
                    places: [RecentCount::default(); RecentCounts::LEN],
                };
                counts.places[RecentCounts::place(ours)] = place.get();
                Ok(vec![counts])
            };
            let mut last = 0;
            for _ in 0..4 {
                let at_first = sent.get();
                let mut cpu = Cpu {
                    chunk: &chunk,
                    happens: &happens,
                };
                let seen = totals_of(&mut cpu, recent, &[ours]).unwrap()[0];
                assert!(
                    at_first <= seen.packets && seen.packets <= sent.get(),
                    "{stops_after}"
                );
                assert!(last <= seen.packets, "it fell");
                assert_eq!(seen.bytes, 60 * seen.packets);
                last = seen.packets;
            }
        }
    }
}

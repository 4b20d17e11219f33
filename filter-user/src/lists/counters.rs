//! The counters of configured prefixes.
//!
//! What was counted on a slot lies in its chunk and, for a while, with the CPUs that met it last. A CPU may move what
//! it has to the chunk at any moment, so the CPUs are asked before the chunk and after it.

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

/// Makes the map that holds the chunks.
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

/// Whether there is a chunk of that number. If that cannot be told it is an error: what is taken for missing is made, and
/// takes the place of what was counted.
pub fn has_chunk(pins: &Pins, number: u32) -> Result<bool> {
    Ok(fs::exists(pins.join(format!("{CHUNKS}/{number}")))
        .doing(|| format!("cannot look for chunk {number} of the counters"))?)
}

/// Makes the chunks that are not there yet, and returns which these were.
pub fn make_chunks(pins: &Pins, numbers: impl Iterator<Item = u32>) -> Result<Vec<u32>> {
    let mut missing = Vec::new();
    for number in numbers {
        if !has_chunk(pins, number)? {
            missing.push(number);
        }
    }
    let chunks: Vec<Chunk> = missing.iter().map(|_| make_chunk()).collect::<Result<_>>()?;
    // The program first, the pin second: a chunk that is pinned is one that the program counts in.
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

/// How often a counter is read again that a CPU is just moving. Each time takes it a system call, and a CPU as many
/// packets of different prefixes as it has places to move it once more.
const TRIES: usize = 64;

/// What was counted on each of `slots`, which are best asked for in their order.
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

/// The same, wherever chunks and the counters of the CPUs are read from.
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
        // What a CPU has, it had in its place all the time; else some of it may be in the chunk by now, too.
        let stood = |slot: u32| {
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
            .filter(|number| !stood(slots[*number]))
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

/// Where a slot's counter can be read.
pub trait ReadChunk {
    /// What stands on it.
    fn read(&mut self, slot: u32) -> Result<PrefixCount>;
}

/// The chunks, opened as they are asked for. One at a time: those of a million prefixes would be 32 MB.
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

    /// One CPU and one chunk; between any two looks at them something may happen.
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
        // Two slots that share a place: each packet of one moves the other to the chunk. The traffic stops after some
        // time, at every instant once.
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

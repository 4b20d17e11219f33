//! The counters of configured prefixes, and the totals of interfaces.

use std::collections::{BTreeMap, BTreeSet};

use aya::maps::{Array, ArrayOfMaps, MapData, PerCpuArray};
use filter_common::{Chunked, Count, InterfaceCounts, PrefixCount, REASONS, Reason, SLOT_LIMIT};

use crate::{
    Error, Result,
    entry::Entry,
    error::Doing as _,
    map_in_map,
    pins::{Pins, open_map},
    rules::Rules,
};

type Chunk = Array<MapData, PrefixCount>;

/// Makes the map that holds the chunks.
pub fn make_maps(pins: &Pins) -> Result<()> {
    let template = Chunk::create(Chunked::CHUNK_LEN, 0).doing(|| "cannot make a chunk of counters".into())?;
    map_in_map::create(pins, "prefix_counts", Chunked::MAX_CHUNKS, &template)
}

/// Gives every entry of `new` a slot for its counters, and zeroes those that `old` does not use.
pub fn assign_slots(pins: &Pins, old: &Rules, new: Rules) -> Result<Rules> {
    let taken: BTreeSet<u32> = old
        .iter()
        .chain(new.iter())
        .filter_map(|entry| entry.slot)
        .collect();
    let mut free = (0..SLOT_LIMIT).filter(|slot| !taken.contains(slot));
    let mut chunks = Chunks::new(pins);
    new.iter()
        .map(|entry| {
            if entry.slot.is_some() {
                return Ok(entry.clone());
            }
            let slot = free.next().ok_or(Error::Full {
                wanted: taken.len() + 1,
                limit: SLOT_LIMIT as usize,
                what: "prefixes",
            })?;
            chunks.clear(slot)?;
            Ok(Entry {
                slot: Some(slot),
                ..entry.clone()
            })
        })
        .collect()
}

/// What was counted on the prefix that has `slot`, over all its shards.
pub fn prefix_count(chunks: &mut Chunks<'_>, slot: u32) -> Result<PrefixCount> {
    let mut sum = PrefixCount::default();
    for shard in 0..Chunked::SHARDS {
        let place = Chunked::locate(slot, shard);
        let Some(chunk) = chunks.get(place.chunk)? else {
            continue;
        };
        let count = chunk
            .get(&place.index, 0)
            .doing(|| format!("cannot read a counter of chunk {}", place.chunk))?;
        sum.packets += count.packets;
        sum.bytes += count.bytes;
        sum.last_ns = sum.last_ns.max(count.last_ns);
    }
    Ok(sum)
}

/// The chunks of counters, opened as they are asked for.
pub struct Chunks<'a> {
    pins: &'a Pins,
    open: BTreeMap<u32, Option<Chunk>>,
    made: BTreeSet<u32>,
}

impl<'a> Chunks<'a> {
    /// None is open yet.
    pub fn new(pins: &'a Pins) -> Self {
        Self {
            pins,
            open: BTreeMap::new(),
            made: BTreeSet::new(),
        }
    }

    fn get(&mut self, number: u32) -> Result<Option<&mut Chunk>> {
        let path = self.pins.join(format!("chunks/{number}"));
        if let std::collections::btree_map::Entry::Vacant(place) = self.open.entry(number) {
            place.insert(if path.exists() {
                Some(open_map(&path)?)
            } else {
                None
            });
        }
        Ok(self.open.get_mut(&number).and_then(Option::as_mut))
    }

    /// Zeroes the counters of `slot`, and makes their chunk if there is none yet.
    fn clear(&mut self, slot: u32) -> Result<()> {
        for shard in 0..Chunked::SHARDS {
            let place = Chunked::locate(slot, shard);
            if self.get(place.chunk)?.is_none() {
                self.make(place.chunk)?;
            }
            // A chunk is made of zeroes.
            if self.made.contains(&place.chunk) {
                continue;
            }
            if let Some(chunk) = self.get(place.chunk)? {
                chunk
                    .set(place.index, PrefixCount::default(), 0)
                    .doing(|| format!("cannot clear a counter of chunk {}", place.chunk))?;
            }
        }
        Ok(())
    }

    fn make(&mut self, number: u32) -> Result<()> {
        let what = || format!("cannot make chunk {number} of the counters");
        let chunk = Chunk::create(Chunked::CHUNK_LEN, 0).doing(what)?;
        // The program first, the pin second: a chunk that is pinned is one that the program counts in.
        let mut outer: ArrayOfMaps<MapData, Chunk> = self.pins.map("prefix_counts")?;
        outer.set(number, &chunk, 0).doing(what)?;
        let path = self.pins.join(format!("chunks/{number}"));
        chunk.pin(&path).doing(what)?;
        self.open.insert(number, Some(open_map(&path)?));
        self.made.insert(number);
        Ok(())
    }
}

/// The totals of one interface, over all CPUs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Packets that passed.
    pub passed: Count,
    /// Packets that were dropped, by reason.
    pub dropped: [Count; REASONS],
    /// Packets that passed although `enforce` would have dropped them, by reason.
    pub would_drop: [Count; REASONS],
}

impl Totals {
    pub(crate) fn read(map: &PerCpuArray<MapData, InterfaceCounts>) -> Result<Self> {
        let cpus = map
            .get(&0, 0)
            .doing(|| "cannot read the counters of an interface".into())?;
        let mut totals = Self::default();
        for cpu in cpus.iter() {
            add(&mut totals.passed, cpu.passed);
            for reason in Reason::ALL {
                add(&mut totals.dropped[reason as usize], cpu.dropped[reason as usize]);
                add(
                    &mut totals.would_drop[reason as usize],
                    cpu.would_drop[reason as usize],
                );
            }
        }
        Ok(totals)
    }

    /// Packets that were dropped, for whatever reason.
    pub fn all_dropped(&self) -> u64 {
        self.dropped.iter().map(|count| count.packets).sum()
    }

    /// Packets that would have been dropped, for whatever reason.
    pub fn all_would_drop(&self) -> u64 {
        self.would_drop.iter().map(|count| count.packets).sum()
    }
}

fn add(sum: &mut Count, count: Count) {
    sum.packets += count.packets;
    sum.bytes += count.bytes;
}

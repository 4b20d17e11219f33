//! The table of a generation: a record for each entry. Users see it; the kernel program does not need it.
//!
//! The slot of an entry says where its record is. A trie lookup returns the slot, so a record is found without a
//! search.
//!
//! The table has pages with as many slots as a chunk of counters. The directory says which page holds the slots of
//! which chunk. So a list with high slot numbers takes no more memory than one with low numbers.

use aya::maps::{Array, MapData};
use filter_common::{Chunked, SLOT_LIMIT};

use super::{error::Result, record::Record};
use crate::{
    pins::{
        directory::{Pins, open_map, unusable},
        names::{ENTRIES, PAGES as PAGES_PIN},
    },
    sys::{
        bpf::mapped::{MMAPABLE, Mapped},
        error::Doing as _,
    },
};

/// Slots on a page.
pub const PAGE: u32 = Chunked::CHUNK_LEN;

/// How many pages to make for a list. Its slots are spread over `used` chunks, each of which needs a page. There
/// is also room for one in sixteen more entries.
pub fn pages_for(used: usize, entries: usize) -> usize {
    let comfortable = (entries + entries / 16 + PAGE as usize / 4).div_ceil(PAGE as usize);
    used.max(comfortable)
}

/// The directory of the table: which page holds the slots of which chunk.
#[derive(Debug)]
pub struct Directory {
    /// For each chunk, the page plus one; 0 for no page. Each map value has two chunks.
    pages: Mapped<[u32; 2]>,
}

/// The largest number of pages.
const PAGES: usize = (SLOT_LIMIT / PAGE) as usize;

impl Directory {
    fn get(&self, chunk: u32) -> Option<usize> {
        let pair = self.pages.get(chunk as usize / 2)?;
        (pair[chunk as usize % 2] as usize).checked_sub(1)
    }

    fn set(&self, chunk: u32, page: u32) {
        if let Some(mut pair) = self.pages.get(chunk as usize / 2) {
            pair[chunk as usize % 2] = page + 1;
            self.pages.set(chunk as usize / 2, &pair);
        }
    }
}

/// An unused page, and the chunk whose slots it will hold.
#[derive(Clone, Copy, Debug)]
pub struct NewPage {
    /// The number of the chunk.
    pub chunk: u32,
    page: u32,
}

impl NewPage {
    /// The first slot of the page.
    pub const fn first_slot(self) -> u32 {
        self.chunk * PAGE
    }
}

/// The table of a generation. It is mapped as a whole, or page by page if only a few records are needed.
#[derive(Debug)]
pub struct Table {
    directory: Directory,
    entries: Entries,
}

#[derive(Debug)]
enum Entries {
    Whole(Mapped<Record>),
    /// Maps one page at a time. For a few records this is faster than mapping all pages.
    Pages(MapData),
}

/// The maps of a new table, which are not pinned yet.
pub struct NewTable {
    directory: Array<MapData, [u32; 2]>,
    entries: Array<MapData, Record>,
}

impl NewTable {
    /// Creates a table with room for `pages` pages.
    pub fn make(pages: usize) -> Result<Self> {
        let what = || "cannot make the table of the lists".to_owned();
        let records = u32::try_from(pages * PAGE as usize).unwrap_or(u32::MAX);
        Ok(Self {
            directory: Array::create(PAGES as u32 / 2, MMAPABLE).doing(what)?,
            entries: Array::create(records, MMAPABLE).doing(what)?,
        })
    }

    /// Maps the new table, to fill it.
    pub fn table(&self) -> Result<Table> {
        Ok(Table::new(
            Mapped::of(&self.directory)?,
            Mapped::of(&self.entries)?,
        ))
    }

    /// Pins the table in the directory of a generation.
    pub fn pin(self, pins: &Pins, directory: &str) -> Result<()> {
        pins.pin(self.directory, format!("{directory}/{PAGES_PIN}"))?;
        Ok(pins.pin(self.entries, format!("{directory}/{ENTRIES}"))?)
    }
}

impl Table {
    /// Takes the table from maps that are already open.
    pub fn new(pages: Mapped<[u32; 2]>, entries: Mapped<Record>) -> Self {
        Self {
            directory: Directory { pages },
            entries: Entries::Whole(entries),
        }
    }

    /// Opens the table that is pinned in `directory`, and maps all of it. Best for reading or writing most
    /// records.
    pub fn whole(pins: &Pins, directory: &str) -> Result<Self> {
        Ok(Self::new(
            pins.mapped(format!("{directory}/{PAGES_PIN}"))?,
            pins.mapped(format!("{directory}/{ENTRIES}"))?,
        ))
    }

    /// Opens the table that is pinned in `directory`. Best for a few records.
    pub fn few(pins: &Pins, directory: &str) -> Result<Self> {
        let path = pins.join(format!("{directory}/{ENTRIES}"));
        let entries: Array<MapData, Record> = open_map(&path)?;
        let records = entries.len();
        let map = MapData::from_pin(&path).map_err(|error| unusable(&path, error))?;
        Ok(Self {
            directory: Directory {
                pages: pins.mapped(format!("{directory}/{PAGES_PIN}"))?,
            },
            // Mapping a short table takes no longer than mapping a page.
            entries: if records <= 4 * PAGE {
                Entries::Whole(Mapped::of(&entries)?)
            } else {
                Entries::Pages(map)
            },
        })
    }

    /// How many slots the table has room for.
    pub fn slots(&self) -> usize {
        match &self.entries {
            Entries::Whole(entries) => entries.len(),
            Entries::Pages(map) => map.info().map_or(0, |info| info.max_entries() as usize),
        }
    }

    /// How many pages the table has room for.
    pub fn capacity(&self) -> usize {
        self.slots() / PAGE as usize
    }

    /// Whether the slots of a chunk have a page.
    pub fn has_page(&self, chunk: u32) -> bool {
        self.directory.get(chunk).is_some()
    }

    /// Assigns `page` to the slots of a chunk.
    pub fn set_page(&self, chunk: u32, page: u32) {
        self.directory.set(chunk, page);
    }

    /// The chunks whose slots have a page, in ascending order.
    pub fn chunks(&self) -> impl Iterator<Item = u32> {
        (0..PAGES as u32).filter(|chunk| self.has_page(*chunk))
    }

    /// Whether the slot has a page that lies inside the table.
    pub fn has_place(&self, slot: u32) -> bool {
        let page = self.directory.get(Chunked::locate(slot).chunk);
        page.is_some_and(|page| page < self.capacity())
    }

    /// The record of a slot. It is a free record if the slot has no page.
    pub fn get(&self, slot: u32) -> Result<Record> {
        let record = self.with(slot, |entries, number| entries.get(number))?;
        Ok(record.flatten().unwrap_or_default())
    }

    /// Writes the record of a slot. Does nothing if the slot has no page.
    pub fn set(&self, slot: u32, record: &Record) -> Result<()> {
        self.with(slot, |entries, number| entries.set(number, record))
            .map(drop)
    }

    fn with<T>(&self, slot: u32, what: impl FnOnce(&Mapped<Record>, usize) -> T) -> Result<Option<T>> {
        let Chunked { chunk, index } = Chunked::locate(slot);
        let Some(page) = self.directory.get(chunk) else {
            return Ok(None);
        };
        let first = page * PAGE as usize;
        Ok(Some(match &self.entries {
            Entries::Whole(entries) => what(entries, first + index as usize),
            Entries::Pages(map) => what(&Mapped::part(map, first, PAGE as usize)?, index as usize),
        }))
    }

    /// Every slot that has a page, with its record. Free records are included.
    pub fn all(&self) -> impl Iterator<Item = Result<(u32, Record)>> {
        self.chunks().flat_map(move |chunk| {
            let slots = chunk * PAGE..(chunk + 1) * PAGE;
            slots.map(move |slot| Ok((slot, self.get(slot)?)))
        })
    }

    /// Every slot in use, with its record.
    pub fn taken(&self) -> impl Iterator<Item = Result<(u32, Record)>> {
        self.all().filter(|slot| {
            slot.as_ref()
                .map_or(true, |(_, record)| record.action().is_some())
        })
    }

    /// An unused page, and the first chunk without a page. `None` if all pages are in use.
    pub fn free_page(&self) -> Option<NewPage> {
        let page = self.chunks().count();
        let chunk = (0..Chunked::MAX_CHUNKS).find(|chunk| !self.has_page(*chunk))?;
        let has_room = page < self.capacity();
        let page = u32::try_from(page).ok().filter(|_| has_room)?;
        Some(NewPage { chunk, page })
    }

    /// Assigns a new page to its chunk, and chains all its slots as free ones.
    pub fn add_page(&self, new: NewPage) -> Result<()> {
        self.set_page(new.chunk, new.page);
        self.chain_page(new.chunk)
    }

    /// Chains all slots of an empty page as free ones.
    fn chain_page(&self, chunk: u32) -> Result<()> {
        let slots = chunk * PAGE..(chunk + 1) * PAGE;
        let last = slots.end - 1;
        let free = |slot: u32| Record::free((slot < last).then_some(slot + 1));
        let write = |entries: &Mapped<Record>, first: usize| {
            for (number, slot) in (first..).zip(slots) {
                entries.set(number, &free(slot));
            }
        };
        self.with(chunk * PAGE, write).map(drop)
    }

    /// Chains the free slots of all pages, the lowest slot first. Returns the first slot of the chain.
    pub fn chain_free(&self) -> Result<Option<u32>> {
        let mut next = None;
        let chunks: Vec<u32> = self.chunks().collect();
        for slot in chunks
            .iter()
            .rev()
            .flat_map(|chunk| (chunk * PAGE..(chunk + 1) * PAGE).rev())
        {
            if self.get(slot)?.action().is_none() {
                self.set(slot, &Record::free(next.replace(slot)))?;
            }
        }
        Ok(next)
    }
}

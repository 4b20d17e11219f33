//! The table of a generation: its entries as users see them, which the kernel program has no use for.
//!
//! A record stands where the slot of its prefix says, so that one that a trie has found needs no search. Slots come in
//! pages, as many as a chunk of counters has, and the directory tells where the page of a chunk lies: a list that
//! uses the chunks from 256 on takes no more memory than another.

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

/// How many pages a list needs: where its slots are spread over `used` pages, and so many are in use, room for
/// one in sixteen more.
pub fn pages_for(used: usize, entries: usize) -> usize {
    let comfortable = (entries + entries / 16 + PAGE as usize / 4).div_ceil(PAGE as usize);
    used.max(comfortable)
}

/// Where the pages of chunks lie.
#[derive(Debug)]
pub struct Directory {
    /// By chunk: the page, and one more; 0 for none. Two in a word.
    pages: Mapped<[u32; 2]>,
}

/// Pages at the most.
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

/// A page that is not in use yet, and the chunk whose slots it gets.
#[derive(Clone, Copy, Debug)]
pub struct NewPage {
    /// The chunk.
    pub chunk: u32,
    page: u32,
}

impl NewPage {
    /// The first slot on it.
    pub const fn first_slot(self) -> u32 {
        self.chunk * PAGE
    }
}

/// A table, opened as a whole or for a few records.
#[derive(Debug)]
pub struct Table {
    directory: Directory,
    entries: Entries,
}

#[derive(Debug)]
enum Entries {
    Whole(Mapped<Record>),
    /// Pages are mapped as they are needed: all of them would take longer than what is done with one.
    Pages(MapData),
}

/// The maps of a new table, before they are pinned.
pub struct NewTable {
    directory: Array<MapData, [u32; 2]>,
    entries: Array<MapData, Record>,
}

impl NewTable {
    /// Makes a table with room for so many pages.
    pub fn make(pages: usize) -> Result<Self> {
        let what = || "cannot make the table of the lists".to_owned();
        let records = u32::try_from(pages * PAGE as usize).unwrap_or(u32::MAX);
        Ok(Self {
            directory: Array::create(PAGES as u32 / 2, MMAPABLE).doing(what)?,
            entries: Array::create(records, MMAPABLE).doing(what)?,
        })
    }

    /// To write into it.
    pub fn table(&self) -> Result<Table> {
        Ok(Table::new(
            Mapped::of(&self.directory)?,
            Mapped::of(&self.entries)?,
        ))
    }

    /// Pins the table in `directory`.
    pub fn pin(self, pins: &Pins, directory: &str) -> Result<()> {
        pins.pin(self.directory, format!("{directory}/{PAGES_PIN}"))?;
        Ok(pins.pin(self.entries, format!("{directory}/{ENTRIES}"))?)
    }
}

impl Table {
    /// The table that lies in these maps.
    pub fn new(pages: Mapped<[u32; 2]>, entries: Mapped<Record>) -> Self {
        Self {
            directory: Directory { pages },
            entries: Entries::Whole(entries),
        }
    }

    /// The table that is pinned in `directory`, to read or write all of it.
    pub fn whole(pins: &Pins, directory: &str) -> Result<Self> {
        Ok(Self::new(
            pins.mapped(format!("{directory}/{PAGES_PIN}"))?,
            pins.mapped(format!("{directory}/{ENTRIES}"))?,
        ))
    }

    /// The table that is pinned in `directory`, for a few records.
    pub fn few(pins: &Pins, directory: &str) -> Result<Self> {
        let path = pins.join(format!("{directory}/{ENTRIES}"));
        let entries: Array<MapData, Record> = open_map(&path)?;
        let records = entries.len();
        let map = MapData::from_pin(&path).map_err(|error| unusable(&path, error))?;
        Ok(Self {
            directory: Directory {
                pages: pins.mapped(format!("{directory}/{PAGES_PIN}"))?,
            },
            // Short tables are mapped as quickly as a page.
            entries: if records <= 4 * PAGE {
                Entries::Whole(Mapped::of(&entries)?)
            } else {
                Entries::Pages(map)
            },
        })
    }

    /// How many slots there is room for.
    pub fn slots(&self) -> usize {
        match &self.entries {
            Entries::Whole(entries) => entries.len(),
            Entries::Pages(map) => map.info().map_or(0, |info| info.max_entries() as usize),
        }
    }

    /// How many pages there is room for.
    pub fn capacity(&self) -> usize {
        self.slots() / PAGE as usize
    }

    /// Whether the slots of a chunk have a page.
    pub fn has_page(&self, chunk: u32) -> bool {
        self.directory.get(chunk).is_some()
    }

    /// Gives the slots of a chunk a page.
    pub fn set_page(&self, chunk: u32, page: u32) {
        self.directory.set(chunk, page);
    }

    /// The chunks whose slots have a page.
    pub fn chunks(&self) -> impl Iterator<Item = u32> {
        (0..PAGES as u32).filter(|chunk| self.has_page(*chunk))
    }

    /// Whether there is a place for the record of a slot.
    pub fn has_place(&self, slot: u32) -> bool {
        let page = self.directory.get(Chunked::locate(slot).chunk);
        page.is_some_and(|page| page < self.capacity())
    }

    /// The record of a slot; a free one where it has none.
    pub fn get(&self, slot: u32) -> Result<Record> {
        let record = self.with(slot, |entries, number| entries.get(number))?;
        Ok(record.flatten().unwrap_or_default())
    }

    /// Writes the record of a slot, which must have a page.
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

    /// Every slot on a page with its record, free ones included.
    pub fn all(&self) -> impl Iterator<Item = Result<(u32, Record)>> {
        self.chunks().flat_map(move |chunk| {
            let slots = chunk * PAGE..(chunk + 1) * PAGE;
            slots.map(move |slot| Ok((slot, self.get(slot)?)))
        })
    }

    /// Every slot that is taken, with its record.
    pub fn taken(&self) -> impl Iterator<Item = Result<(u32, Record)>> {
        self.all().filter(|slot| {
            slot.as_ref()
                .map_or(true, |(_, record)| record.action().is_some())
        })
    }

    /// A page for the slots of a chunk that has none, if there is room for one.
    pub fn free_page(&self) -> Option<NewPage> {
        let page = self.chunks().count();
        let chunk = (0..Chunked::MAX_CHUNKS).find(|chunk| !self.has_page(*chunk))?;
        let has_room = page < self.capacity();
        let page = u32::try_from(page).ok().filter(|_| has_room)?;
        Some(NewPage { chunk, page })
    }

    /// Puts a page in use and chains all its places.
    pub fn add_page(&self, new: NewPage) -> Result<()> {
        self.set_page(new.chunk, new.page);
        self.chain_page(new.chunk)
    }

    /// Chains all places of the page of a chunk, on which there is nothing yet.
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

    /// Chains the free places of all pages, the lowest slot first, and returns where the chain begins.
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

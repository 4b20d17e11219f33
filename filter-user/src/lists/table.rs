//! The table of a generation: its entries as users see them, which the kernel program has no use for.
//!
//! A record stands where the slot of its prefix says, so that one that a trie has found needs no search. Slots come in
//! pages, as many as a chunk of counters has, and the directory tells where the page of a chunk lies: a list that
//! uses the chunks from 256 on takes no more memory than another.

use aya::maps::{Array, MapData};
use filter_common::{Chunked, SLOT_LIMIT};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    Result,
    error::Doing as _,
    lists::summary::Summary,
    model::entry::Action,
    pins::directory::{Pins, unusable},
    sys::bpf::mapped::{MMAPABLE, Mapped},
};

/// Slots on a page.
pub const PAGE: u32 = Chunked::CHUNK_LEN;

/// What is known of an entry, beside its place, which is its slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    address: [u8; 16],
    /// When it stops to count, in nanoseconds of `CLOCK_MONOTONIC`; 0 for never.
    pub expires_ns: u64,
    /// When it got its slot.
    pub since_ns: u64,
    /// What had been counted on the slot by then.
    pub base_packets: u64,
    /// The same in bytes.
    pub base_bytes: u64,
    /// The number of its label, 0 for none.
    pub label: u32,
    /// In a free place: the next free slot, and one more.
    next_free: u32,
    /// [`Self::SAVED`] or nothing.
    flags: u32,
    /// The number of its origin.
    pub origin: u16,
    prefix_len: u8,
    /// The number of the action; [`Self::IPV6`] added for IPv6; 0 in a free place.
    action: u8,
}

const _: () = assert!(size_of::<Record>() == 64);

// SAFETY: `#[repr(C)]`, made of integers and arrays of them, without padding (see the size above).
unsafe impl aya::Pod for Record {}

impl Record {
    const IPV6: u8 = 0x80;
    const SAVED: u32 = 1;

    /// A record of a prefix in a list; nothing else is known yet.
    pub fn new(action: Action, prefix: IpNet) -> Self {
        let mut address = [0; 16];
        let mut number = action.kernel() as u8;
        match prefix {
            IpNet::V4(prefix) => address[..4].copy_from_slice(&prefix.addr().octets()),
            IpNet::V6(prefix) => {
                address = prefix.addr().octets();
                number |= Self::IPV6;
            }
        }
        Self {
            address,
            prefix_len: prefix.prefix_len(),
            action: number,
            ..Self::default()
        }
    }

    /// A free place; `next` is the next one.
    pub fn free(next: Option<u32>) -> Self {
        Self {
            next_free: next.map_or(0, |slot| slot + 1),
            ..Self::default()
        }
    }

    /// The next free place.
    pub fn next(&self) -> Option<u32> {
        self.next_free.checked_sub(1)
    }

    /// The list that it stands in; `None` for a free place.
    pub fn action(&self) -> Option<Action> {
        Action::from_number(self.action & !Self::IPV6)
    }

    /// Its prefix; `None` if nobody of us wrote it.
    pub fn prefix(&self) -> Option<IpNet> {
        let [a, b, c, d, ..] = self.address;
        let prefix = if self.action & Self::IPV6 == 0 {
            Ipv4Net::new([a, b, c, d].into(), self.prefix_len).map(IpNet::from)
        } else {
            Ipv6Net::new(self.address.into(), self.prefix_len).map(IpNet::from)
        };
        prefix.ok().filter(|prefix| *prefix == prefix.trunc())
    }

    /// Whether the agent put it there.
    pub fn is_saved(&self) -> bool {
        self.flags & Self::SAVED != 0
    }

    /// Notes that.
    pub fn set_saved(&mut self, is_saved: bool) {
        self.flags = if is_saved { Self::SAVED } else { 0 };
    }

    /// Whether its time is over.
    pub fn is_over(&self, now_ns: u64) -> bool {
        self.expires_ns != 0 && self.expires_ns <= now_ns
    }
}

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
        pins.pin(self.directory, format!("{directory}/pages"))?;
        pins.pin(self.entries, format!("{directory}/entries"))
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
            Mapped::pinned(pins, &format!("{directory}/pages"))?,
            Mapped::pinned(pins, &format!("{directory}/entries"))?,
        ))
    }

    /// The table that is pinned in `directory`, for a few records.
    pub fn few(pins: &Pins, directory: &str) -> Result<Self> {
        let path = pins.join(format!("{directory}/entries"));
        let entries: Array<MapData, Record> = crate::pins::directory::open_map(&path)?;
        let records = entries.len();
        let map = MapData::from_pin(&path).map_err(|error| unusable(&path, error))?;
        Ok(Self {
            directory: Directory {
                pages: Mapped::pinned(pins, &format!("{directory}/pages"))?,
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

    /// Chains all places of the page of a chunk, on which there is nothing yet.
    pub fn chain_page(&self, chunk: u32) -> Result<()> {
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

    /// Chains the free places of all pages, the lowest slot first, and notes where the chain begins.
    pub fn chain_free(&self, summary: &mut Summary) -> Result<()> {
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
        summary.set_free(next);
        Ok(())
    }
}

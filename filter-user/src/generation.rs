//! Generations: all lists, as the tries that the program reads and the table that users see.
//!
//! The next generation is built beside the one in force, and one write to the map `generation` puts it
//! in force: whatever is killed when, a packet sees the old lists or the new ones.

use aya::maps::{Array, ArrayOfMaps, HashMap, LpmTrie, MapData, lpm_trie::Key};
use filter_common::{Decision, Expiry, GENERATIONS, MAX_EXPIRIES, MAX_PREFIXES};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    Error, Result,
    error::Doing as _,
    pins::Pins,
    rules::{Action, Entry, Label, MAX_LABEL_BYTES, MAX_ORIGIN_BYTES, Origin, Rules},
};

type Trie4 = LpmTrie<MapData, [u8; 4], Decision>;
type Trie6 = LpmTrie<MapData, [u8; 16], Decision>;
type OriginText = [u8; MAX_ORIGIN_BYTES + 1];

/// `BPF_F_NO_PREALLOC`: the kernel has no other kind of trie.
const NO_PREALLOC: u32 = 1;

/// An [`Entry`] as it lies in its map.
#[repr(C)]
#[derive(Clone, Copy)]
struct EntryRecord {
    address: [u8; 16],
    expires_ns: u64,
    slot: u32,
    origin: u16,
    prefix_len: u8,
    /// The number of the action; [`Self::IPV6`] added for IPv6. 0 marks the end of the table.
    action: u8,
    /// Padded with NULs.
    label: [u8; MAX_LABEL_BYTES + 1],
}

const _: () = assert!(size_of::<EntryRecord>() == 64);

// SAFETY: `#[repr(C)]`, made of integers and arrays of them, without padding (see the size above).
unsafe impl aya::Pod for EntryRecord {}

impl EntryRecord {
    const IPV6: u8 = 0x80;

    fn new(entry: &Entry, slot: u32, origin: u16) -> Self {
        let mut address = [0; 16];
        let mut action = entry.action.kernel() as u8;
        match entry.prefix {
            IpNet::V4(prefix) => address[..4].copy_from_slice(&prefix.addr().octets()),
            IpNet::V6(prefix) => {
                address = prefix.addr().octets();
                action |= Self::IPV6;
            }
        }
        let mut label = [0; MAX_LABEL_BYTES + 1];
        let text = entry.label.as_str().as_bytes();
        label[..text.len()].copy_from_slice(text);
        Self {
            address,
            expires_ns: entry.expires_ns.unwrap_or(0),
            slot,
            origin,
            prefix_len: entry.prefix.prefix_len(),
            action,
            label,
        }
    }

    fn entry(&self, origins: &[Origin]) -> Option<Entry> {
        let action = Action::from_number(self.action & !Self::IPV6)?;
        let [a, b, c, d, ..] = self.address;
        let prefix = if self.action & Self::IPV6 == 0 {
            Ipv4Net::new([a, b, c, d].into(), self.prefix_len).ok()?.into()
        } else {
            Ipv6Net::new(self.address.into(), self.prefix_len).ok()?.into()
        };
        Some(Entry {
            prefix,
            action,
            label: Label::new(&text(&self.label)).ok()?,
            origin: origins.get(usize::from(self.origin))?.clone(),
            expires_ns: (self.expires_ns != 0).then_some(self.expires_ns),
            slot: Some(self.slot),
        })
    }
}

fn text(padded: &[u8]) -> String {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    String::from_utf8_lossy(&padded[..end]).into_owned()
}

/// The four tries of a generation.
struct Tries {
    sources_v4: Trie4,
    sources_v6: Trie6,
    retired_v4: Trie4,
    retired_v6: Trie6,
}

impl Tries {
    fn empty() -> Result<Self> {
        let what = || "cannot make the tries of a list".to_owned();
        let trie4 = || Trie4::create(MAX_PREFIXES, NO_PREALLOC).doing(what);
        let trie6 = || Trie6::create(MAX_PREFIXES, NO_PREALLOC).doing(what);
        Ok(Self {
            sources_v4: trie4()?,
            sources_v6: trie6()?,
            retired_v4: trie4()?,
            retired_v6: trie6()?,
        })
    }

    fn insert(&mut self, entry: &Entry, slot: u32) -> Result<()> {
        let decision = Decision::new(entry.action.kernel(), slot, entry.expires_ns.is_some());
        let bits = u32::from(entry.prefix.prefix_len());
        let retired = entry.action == Action::Retire;
        let inserted = match entry.prefix {
            IpNet::V4(prefix) => {
                let trie = if retired {
                    &mut self.retired_v4
                } else {
                    &mut self.sources_v4
                };
                trie.insert(&Key::new(bits, prefix.addr().octets()), decision, 0)
            }
            IpNet::V6(prefix) => {
                let trie = if retired {
                    &mut self.retired_v6
                } else {
                    &mut self.sources_v6
                };
                trie.insert(&Key::new(bits, prefix.addr().octets()), decision, 0)
            }
        };
        inserted.doing(|| format!("cannot put {} into a trie", entry.prefix))
    }

    fn set(&self, pins: &Pins, generation: u32) -> Result<()> {
        let what = || format!("cannot set generation {generation}");
        let mut outer4: ArrayOfMaps<MapData, Trie4> = pins.map("sources_v4")?;
        outer4.set(generation, &self.sources_v4, 0).doing(what)?;
        let mut outer6: ArrayOfMaps<MapData, Trie6> = pins.map("sources_v6")?;
        outer6.set(generation, &self.sources_v6, 0).doing(what)?;
        let mut outer4: ArrayOfMaps<MapData, Trie4> = pins.map("retired_v4")?;
        outer4.set(generation, &self.retired_v4, 0).doing(what)?;
        let mut outer6: ArrayOfMaps<MapData, Trie6> = pins.map("retired_v6")?;
        outer6.set(generation, &self.retired_v6, 0).doing(what)
    }
}

/// The lists in force.
pub fn read(pins: &Pins) -> Result<Rules> {
    let number = in_force(pins)?;
    let origins: Array<MapData, OriginText> = pins.map(format!("generation{number}/origins"))?;
    let origins: Vec<Origin> = origins
        .iter()
        .map(|origin| origin.map(|padded| Origin::new(&text(&padded))))
        .collect::<Result<_, _>>()
        .doing(|| "cannot read the origins of the lists".into())?;
    let entries: Array<MapData, EntryRecord> = pins.map(format!("generation{number}/entries"))?;
    let mut rules = Vec::new();
    for record in entries.iter() {
        let record = record.doing(|| "cannot read the lists".into())?;
        if record.action == 0 {
            break;
        }
        rules.push(record.entry(&origins).ok_or_else(|| Error::OtherLayout {
            path: pins.path().to_owned(),
            what: "an entry of its lists cannot be understood".into(),
        })?);
    }
    Ok(rules.into_iter().collect())
}

/// Puts `rules`, whose entries all have a slot, in force.
pub fn install(pins: &Pins, rules: &Rules) -> Result<()> {
    check_limits(rules)?;
    let before = in_force(pins)?;
    let next = (before + 1) % GENERATIONS;

    let mut tries = Tries::empty()?;
    let mut expiries: HashMap<MapData, u32, Expiry> = pins.map("expiries")?;
    let mut table = Table::new(rules)?;
    for entry in rules.iter() {
        let Some(slot) = entry.slot else {
            continue;
        };
        if let Some(deadline_ns) = entry.expires_ns {
            let prefix_len = u32::from(entry.prefix.prefix_len());
            expiries
                .insert(
                    slot,
                    Expiry {
                        deadline_ns,
                        prefix_len,
                        reserved: 0,
                    },
                    0,
                )
                .doing(|| format!("cannot remember when {} expires", entry.prefix))?;
        }
        tries.insert(entry, slot)?;
        table.push(entry, slot)?;
    }
    let directory = format!("generation{next}");
    pins.fresh_directory(&directory)?;
    table.pin(pins, &directory)?;
    tries.set(pins, next)?;

    put_in_force(pins, next)?;

    // The list is in force; what is left is to give back the memory of the one before.
    let waiting: Vec<u32> = rules
        .iter()
        .filter(|entry| entry.expires_ns.is_some())
        .filter_map(|entry| entry.slot)
        .collect();
    let stale: Vec<u32> = expiries
        .keys()
        .flatten()
        .filter(|slot| !waiting.contains(slot))
        .collect();
    for slot in stale {
        expiries
            .remove(&slot)
            .doing(|| "cannot forget an expiry".into())?;
    }
    Tries::empty()?.set(pins, before)?;
    pins.remove_directory(&format!("generation{before}"))
}

/// The table of a generation: what users see of its entries.
struct Table {
    entries: Array<MapData, EntryRecord>,
    origins: Array<MapData, OriginText>,
    known: Vec<Origin>,
    len: u32,
}

impl Table {
    fn new(rules: &Rules) -> Result<Self> {
        let mut known: Vec<Origin> = rules.iter().map(|entry| entry.origin.clone()).collect();
        known.sort();
        known.dedup();
        if known.len() > usize::from(u16::MAX) {
            return Err(Error::Full {
                wanted: known.len(),
                limit: u16::MAX.into(),
                what: "list files",
            });
        }
        let what = || "cannot make the table of the lists".to_owned();
        // One more than there are entries marks the end.
        let entries = Array::create(capacity(rules.iter().count() + 1), 0).doing(what)?;
        let mut origins = Array::create(capacity(known.len().max(1)), 0).doing(what)?;
        for (index, origin) in (0..).zip(&known) {
            let mut padded = [0; MAX_ORIGIN_BYTES + 1];
            padded[..origin.as_str().len()].copy_from_slice(origin.as_str().as_bytes());
            origins.set(index, padded, 0).doing(what)?;
        }
        Ok(Self {
            entries,
            origins,
            known,
            len: 0,
        })
    }

    fn push(&mut self, entry: &Entry, slot: u32) -> Result<()> {
        let origin = self.known.binary_search(&entry.origin).unwrap_or_default();
        let record = EntryRecord::new(entry, slot, u16::try_from(origin).unwrap_or_default());
        self.entries
            .set(self.len, record, 0)
            .doing(|| format!("cannot write {} to the table of the lists", entry.prefix))?;
        self.len += 1;
        Ok(())
    }

    fn pin(self, pins: &Pins, directory: &str) -> Result<()> {
        pins.pin(self.entries, format!("{directory}/entries"))?;
        pins.pin(self.origins, format!("{directory}/origins"))
    }
}

fn capacity(entries: usize) -> u32 {
    u32::try_from(entries).unwrap_or(u32::MAX)
}

/// Fails if there are more prefixes than the maps take, before anything is made.
fn check_limits(rules: &Rules) -> Result<()> {
    let check = |wanted: usize, limit: u32, what| {
        let limit = limit as usize;
        if wanted > limit {
            Err(Error::Full { wanted, limit, what })
        } else {
            Ok(())
        }
    };
    let (trust, deny, retire) = (
        rules.count(Action::Trust),
        rules.count(Action::Deny),
        rules.count(Action::Retire),
    );
    check(trust.0 + deny.0, MAX_PREFIXES, "IPv4 prefixes")?;
    check(trust.1 + deny.1, MAX_PREFIXES, "IPv6 prefixes")?;
    check(retire.0, MAX_PREFIXES, "retired IPv4 prefixes")?;
    check(retire.1, MAX_PREFIXES, "retired IPv6 prefixes")?;
    let expiring = rules.iter().filter(|entry| entry.expires_ns.is_some()).count();
    check(expiring, MAX_EXPIRIES, "temporary prefixes")
}

fn in_force(pins: &Pins) -> Result<u32> {
    let generation: Array<MapData, u32> = pins.map("generation")?;
    let number = generation
        .get(&0, 0)
        .doing(|| "cannot read which generation is in force".into())?;
    Ok(number % GENERATIONS)
}

fn put_in_force(pins: &Pins, number: u32) -> Result<()> {
    let mut generation: Array<MapData, u32> = pins.map("generation")?;
    generation
        .set(0, number, 0)
        .doing(|| format!("cannot put generation {number} in force"))
}

/// The first generation: no entries at all.
pub fn install_first(pins: &Pins) -> Result<()> {
    let table = Table::new(&Rules::default())?;
    pins.fresh_directory("generation0")?;
    table.pin(pins, "generation0")?;
    Tries::empty()?.set(pins, 0)
}

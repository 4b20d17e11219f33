//! The table of a generation: its entries as users see them, with labels and origins, which the kernel
//! program has no use for.

use aya::maps::{Array, MapData};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{
    Error, Result,
    entry::{Action, Entry, Label, MAX_LABEL_BYTES, MAX_ORIGIN_BYTES, Origin},
    error::Doing as _,
    pins::Pins,
    rules::Rules,
};

type OriginText = [u8; MAX_ORIGIN_BYTES + 1];

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

/// Reads the table that is pinned in `directory`.
pub fn read(pins: &Pins, directory: &str) -> Result<Rules> {
    let origins: Array<MapData, OriginText> = pins.map(format!("{directory}/origins"))?;
    let origins: Vec<Origin> = origins
        .iter()
        .map(|origin| origin.map(|padded| Origin::new(&text(&padded))))
        .collect::<Result<_, _>>()
        .doing(|| "cannot read the origins of the lists".into())?;
    let entries: Array<MapData, EntryRecord> = pins.map(format!("{directory}/entries"))?;
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

/// The table of a generation: what users see of its entries.
pub struct Table {
    entries: Array<MapData, EntryRecord>,
    origins: Array<MapData, OriginText>,
    known: Vec<Origin>,
    len: u32,
}

impl Table {
    /// An empty table with room for `rules`.
    pub fn new(rules: &Rules) -> Result<Self> {
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

    /// Appends an entry.
    pub fn push(&mut self, entry: &Entry, slot: u32) -> Result<()> {
        let origin = self.known.binary_search(&entry.origin).unwrap_or_default();
        let record = EntryRecord::new(entry, slot, u16::try_from(origin).unwrap_or_default());
        self.entries
            .set(self.len, record, 0)
            .doing(|| format!("cannot write {} to the table of the lists", entry.prefix))?;
        self.len += 1;
        Ok(())
    }

    /// Pins the table in `directory`.
    pub fn pin(self, pins: &Pins, directory: &str) -> Result<()> {
        pins.pin(self.entries, format!("{directory}/entries"))?;
        pins.pin(self.origins, format!("{directory}/origins"))
    }
}

fn capacity(entries: usize) -> u32 {
    u32::try_from(entries).unwrap_or(u32::MAX)
}

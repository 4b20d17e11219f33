//! The lists in force. Opening them is cheap; entries are read from the kernel only when they are asked for.

use std::net::IpAddr;

use filter_common::{MAX_NESTED_EXPIRED, PrefixCount, SLOT_LIMIT};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    counters,
    error::{Error, Result},
    expiries::Expiries,
    header::{Header, Intent},
    intent,
    reader::Reader,
    record::Record,
    summary::Summary,
    table::Table,
    tries::Tries,
};
use crate::{
    model::{
        entry::{Action, Entry},
        rules::{Rules, key_of},
    },
    pins::{
        self,
        directory::Pins,
        generation::{directory, in_force},
    },
    sys::clock,
};

/// The generation in force: its number, its header, and access to its entries.
#[derive(Debug)]
pub struct Lists {
    number: u32,
    header: Header,
    /// A change of one entry that a killed command did not finish. The flag says whether packets already see it.
    left: Option<(Intent, bool)>,
}

impl Lists {
    /// Opens the generation in force, without reading its entries.
    pub fn open(pins: &Pins) -> Result<Self> {
        Self::open_generation(pins, in_force(pins)?)
    }

    /// Opens a generation that is not in force yet. Fails if the note in the header names an impossible slot.
    pub(crate) fn open_generation(pins: &Pins, number: u32) -> Result<Self> {
        let header = Header::open(pins, &directory(number))?;
        let left = match header.intent() {
            None => None,
            Some(intent) if intent.slot >= SLOT_LIMIT => return Err(not_understood(pins)),
            Some(intent) => Some((intent, intent::is_done(pins, number, &intent)?)),
        };
        Ok(Self { number, header, left })
    }

    /// The number of the generation: 0 or 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The header of the generation.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The name of the directory that the generation is pinned in, below the pin directory.
    pub(crate) fn directory(&self) -> String {
        directory(self.number)
    }

    /// A change of one entry that a killed command did not finish. The flag says whether packets already see it.
    pub(crate) fn left(&self) -> Option<&(Intent, bool)> {
        self.left.as_ref()
    }

    /// How many entries the lists have, including expired ones.
    pub fn summary(&self) -> Summary {
        match &self.left {
            Some((intent, true)) => intent.summary,
            _ => self.header.summary(),
        }
    }

    /// How many entries the lists have, without expired ones.
    pub fn live_summary(&self, pins: &Pins) -> Result<Summary> {
        let mut summary = self.summary();
        if summary.expiring > 0 {
            let now = clock::now_ns()?;
            let table = Table::few(pins, &self.directory())?;
            for slot in Expiries::open(pins)?.over(self.number, now)? {
                summary.count_record(&self.record(&table, slot)?, false);
            }
        }
        Ok(summary)
    }

    /// The record of a slot. If a killed command was changing this entry, it is the record that packets see.
    pub(crate) fn record(&self, table: &Table, slot: u32) -> Result<Record> {
        match &self.left {
            Some((intent, is_done)) if intent.slot == slot => {
                Ok(if *is_done { intent.after } else { intent.before })
            }
            _ => table.get(slot),
        }
    }

    /// Reads every entry, including expired ones. Fails if a record cannot be understood.
    pub fn rules(&self, pins: &Pins) -> Result<Rules> {
        let mut reader = Reader::open(pins, &self.directory())?;
        let table = Table::whole(pins, &self.directory())?;
        let mut entries = Vec::with_capacity(self.summary().total().min(table.slots()));
        self.each_record(&table, |slot, record| {
            entries.push(reader.entry(slot, &record).ok_or_else(|| not_understood(pins))?);
            Ok(())
        })?;
        Ok(Rules::from(entries))
    }

    /// Reads every entry that has not expired at `now_ns`, with its counts. They are sorted as in [`Rules`]. Fails if
    /// a record cannot be understood.
    pub fn counted(&self, pins: &Pins, now_ns: u64) -> Result<Vec<(Entry, PrefixCount)>> {
        let table = Table::whole(pins, &self.directory())?;
        let mut live = Vec::with_capacity(self.summary().total().min(table.slots()));
        self.each_record(&table, |slot, record| {
            if !record.is_over(now_ns) {
                live.push((slot, record));
            }
            Ok(())
        })?;
        let slots: Vec<u32> = live.iter().map(|(slot, _)| *slot).collect();
        let totals = counters::totals(pins, &slots)?;
        let mut reader = Reader::open(pins, &self.directory())?;
        let mut counted = Vec::with_capacity(live.len());
        for ((slot, record), total) in live.into_iter().zip(totals) {
            let entry = reader.entry(slot, &record).ok_or_else(|| not_understood(pins))?;
            counted.push((entry, since(&record, total)));
        }
        counted.sort_by_key(|(entry, _)| key_of(entry));
        Ok(counted)
    }

    /// The entries of a list for exactly these prefixes, those left out that are not there or have expired.
    pub fn find(&self, pins: &Pins, action: Action, prefixes: &[IpNet]) -> Result<Vec<Entry>> {
        let tries = Tries::open(pins, &self.directory())?;
        let table = Table::few(pins, &self.directory())?;
        let mut reader = Reader::open(pins, &self.directory())?;
        let now = clock::now_ns()?;
        let mut found = Vec::new();
        for prefix in prefixes {
            let Some(decision) = tries.longest(action, *prefix)? else {
                continue;
            };
            let record = self.record(&table, decision.slot())?;
            let is_it = record.prefix() == Some(*prefix) && record.action() == Some(action);
            if is_it && !record.is_over(now) {
                let entry = reader.entry(decision.slot(), &record);
                found.push(entry.ok_or_else(|| not_understood(pins))?);
            }
        }
        Ok(found)
    }

    /// The entry that decides about packets from `address`. It is found as the program finds it: an expired prefix is
    /// skipped for the next wider one, at most [`MAX_NESTED_EXPIRED`] times.
    pub fn deciding(&self, pins: &Pins, address: IpAddr) -> Result<Option<Entry>> {
        let tries = Tries::open(pins, &self.directory())?;
        let table = Table::few(pins, &self.directory())?;
        let now = clock::now_ns()?;
        let mut prefix = Some(IpNet::from(address));
        for _ in 0..=MAX_NESTED_EXPIRED {
            let Some(within) = prefix else {
                return Ok(None);
            };
            let Some(decision) = tries.longest(Action::Trust, within)? else {
                return Ok(None);
            };
            let record = self.record(&table, decision.slot())?;
            if !record.is_over(now) {
                let entry = Reader::open(pins, &self.directory())?.entry(decision.slot(), &record);
                return entry.ok_or_else(|| not_understood(pins)).map(Some);
            }
            prefix = record
                .prefix()
                .and_then(|found| shorter(address, found.prefix_len()));
        }
        Ok(None)
    }

    /// Calls `what` for every record in use, with its slot.
    fn each_record(&self, table: &Table, mut what: impl FnMut(u32, Record) -> Result<()>) -> Result<()> {
        // The table may not show the truth for an entry that a killed command was changing. Take this record from the
        // note.
        let left = self
            .left
            .as_ref()
            .map(|(intent, is_done)| (intent.slot, if *is_done { intent.after } else { intent.before }));
        for record in table.taken() {
            let (slot, record) = record?;
            if left.is_none_or(|(other, _)| other != slot) {
                what(slot, record)?;
            }
        }
        match left.filter(|(_, record)| record.action().is_some()) {
            Some((slot, record)) => what(slot, record),
            None => Ok(()),
        }
    }
}

/// The network of `address` that is one bit shorter than `len`. `None` if `len` is 0.
fn shorter(address: IpAddr, len: u8) -> Option<IpNet> {
    let len = len.checked_sub(1)?;
    match address {
        IpAddr::V4(address) => Some(Ipv4Net::new(address, len).ok()?.trunc().into()),
        IpAddr::V6(address) => Some(Ipv6Net::new(address, len).ok()?.trunc().into()),
    }
}

/// The part of a slot's total that was counted since the current prefix got the slot.
fn since(record: &Record, total: PrefixCount) -> PrefixCount {
    PrefixCount {
        packets: total.packets.saturating_sub(record.base_packets),
        bytes: total.bytes.saturating_sub(record.base_bytes),
        last_ns: if total.last_ns >= record.since_ns {
            total.last_ns
        } else {
            0
        },
        reserved: 0,
    }
}

fn not_understood(pins: &Pins) -> Error {
    pins::error::Error::OtherLayout {
        path: pins.path().to_owned(),
        what: "an entry of its lists cannot be understood".into(),
    }
    .into()
}

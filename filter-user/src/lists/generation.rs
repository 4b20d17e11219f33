//! Builds a generation and puts it in force. A generation is one version of all lists: the tries that the program
//! reads, and the table that users see. It is built beside the one in force, and one write to the map `generation`
//! switches to it. So each packet meets the old lists or the new ones, even if the command is killed.

use std::{collections::BTreeSet, thread};

use filter_common::{Chunked, GENERATIONS, MAX_EXPIRIES, MAX_PREFIXES, SLOT_LIMIT};

use super::{
    counters,
    coverage::{Coverage, Plan},
    error::{Error, Result},
    expiries::Expiries,
    header::Header,
    in_force::Lists,
    names::{LABEL, Numbered, ORIGIN},
    record::Record,
    summary::Summary,
    table::{NewTable, PAGE, Table, pages_for},
    tries::Tries,
};
use crate::{
    model::{
        entry::{Action, Entry, Label, Origin},
        progress::Progress,
        rules::Rules,
    },
    pins::{
        directory::Pins,
        generation::{directory, put_in_force},
        names::{LABELS, ORIGINS},
    },
    sys::{clock, spawn},
};

/// The largest replaced generation, in entries, that stays until its number is needed. Freeing takes two grace
/// periods.
const KEPT: usize = 65_536;

/// Room for names of entries that are later added one by one.
const SPARE_LABELS: usize = 1024;
const SPARE_ORIGINS: usize = 64;

/// Builds a generation from `rules` and puts it in force in place of `lists`. If it fails, the old lists stay in
/// force. The second value is the result of the clean-up after the switch. The next change repeats a failed clean-up.
pub fn install(
    pins: &Pins,
    lists: &Lists,
    rules: &Rules,
    secret: u64,
    progress: &Progress,
) -> Result<(Lists, Result<()>)> {
    let before = lists.number();
    let next = (before + 1) % GENERATIONS;
    let (tries_before, mut expiries) = (Tries::open(pins, &directory(before))?, Expiries::open(pins)?);
    let tries = Tries::empty()?;
    progress.expect(rules.len());

    let (table, numbering, summary) = thread::scope(|scope| {
        // The number `next` was last used by an older generation. A program may have read that number then, and may
        // look up its trie only now. Wait for an RCU grace period, in parallel with the build.
        let grace = spawn::begin(scope, || tries_before.grace(pins, before));
        let built = build(pins, lists, rules, &tries, progress);
        grace.join()?;
        built
    })?;
    let Numbering {
        slots,
        labels,
        origins,
    } = numbering;
    expiries.forget(next)?;
    for (entry, slot) in rules.iter().zip(&slots) {
        if let Some(deadline) = entry.expires_ns {
            expiries.set(*slot, next, deadline.get(), entry.prefix.prefix_len())?;
        }
    }
    drop(slots);

    let name = directory(next);
    pins.fresh_directory(&name)?;
    table.pin(pins, &name)?;
    labels.store::<LABEL>(pins, format!("{name}/{LABELS}"), SPARE_LABELS)?;
    origins.store::<ORIGIN>(pins, format!("{name}/{ORIGINS}"), SPARE_ORIGINS)?;
    drop((labels, origins));
    tries.pin(pins, &name)?;
    Header::create(pins, &name, &summary)?;

    let (coverage, plan) = (Coverage::open(pins)?, Plan::new(rules.sources(), secret));
    lists.header().set_dirty(true);
    coverage.cover(&plan);
    tries.set(pins, next)?;
    let after = Lists::open_generation(pins, next)?;

    put_in_force(pins, next)?;

    // The new list is in force, so the command has succeeded. What follows only frees what the old list needed.
    let settled = coverage.settle(&plan, || tries.grace(pins, next));
    if settled.is_ok() {
        after.header().set_dirty(false);
    }
    let taken_down = match lists.summary().total() > KEPT {
        true => take_down(pins, before, &tries, next),
        false => Ok(()),
    };
    Ok((after, settled.and(taken_down)))
}

/// Frees a `generation` that was replaced. `in_force` and `number` belong to the one in force.
fn take_down(pins: &Pins, generation: u32, in_force: &Tries, number: u32) -> Result<()> {
    // A program may have read the old number, and may look up its trie only now.
    in_force.grace(pins, number)?;
    Tries::empty()?.set(pins, generation)?;
    Expiries::open(pins)?.forget(generation)?;
    Ok(pins.remove_directory(&directory(generation))?)
}

/// The slots and numbers of a new generation. Slots are in the order of the entries.
struct Numbering {
    slots: Vec<u32>,
    labels: Numbered<Label>,
    origins: Numbered<Origin>,
}

fn build(
    pins: &Pins,
    lists: &Lists,
    rules: &Rules,
    tries: &Tries,
    progress: &Progress,
) -> Result<(NewTable, Numbering, Summary)> {
    let old = Table::whole(pins, &lists.directory())?;
    let (slots, pages) = assign_slots(&old, rules)?;
    counters::make_chunks(pins, pages.iter().copied())?;
    let bases = bases(pins, &old, rules, &slots)?;
    let now = clock::now_ns()?;

    let new = NewTable::make(pages_for(pages.len(), rules.len()))?;
    let table = new.table()?;
    for (page, chunk) in (0..).zip(&pages) {
        table.set_page(*chunk, page);
    }
    let (mut labels, mut origins) = (Numbered::default(), Numbered::default());
    let mut summary = Summary::default();
    let mut bases = bases.into_iter();
    for (entry, slot) in rules.iter().zip(&slots) {
        let mut record = Record::new(entry.action, entry.prefix);
        record.expires_ns = entry.expires_ns.map_or(0, Into::into);
        record.set_saved(entry.saved);
        (record.since_ns, record.base_packets, record.base_bytes) = match kept(&old, entry)? {
            Some(kept) => (kept.since_ns, kept.base_packets, kept.base_bytes),
            None => bases
                .next()
                .map_or((now, 0, 0), |base| (now, base.packets, base.bytes)),
        };
        if entry.label != Label::default() {
            record.label = labels.number(&entry.label) + 1;
        }
        record.origin = u16::try_from(origins.number(&entry.origin)).map_err(|_| Error::Full {
            wanted: origins.len(),
            limit: u16::MAX.into(),
            what: "list files",
        })?;
        summary.count_record(&record, true);
        table.set(*slot, &record)?;
    }
    summary.set_free(table.chain_free()?);
    summary.labels = u32::try_from(labels.len()).unwrap_or(u32::MAX);
    summary.origins = u32::try_from(origins.len()).unwrap_or(u32::MAX);
    tries.fill(rules.as_slice(), &slots, progress)?;
    Ok((
        new,
        Numbering {
            slots,
            labels,
            origins,
        },
        summary,
    ))
}

/// The old record of an entry. `None` if the entry is new, or if its slot now has another prefix or action.
fn kept(old: &Table, entry: &Entry) -> Result<Option<Record>> {
    let Some(slot) = entry.slot else {
        return Ok(None);
    };
    let record = old.get(slot)?;
    let is_same = record.action() == Some(entry.action) && record.prefix() == Some(entry.prefix);
    Ok(is_same.then_some(record))
}

/// Chooses a slot for each entry, and returns the chunks of these slots too. An entry that had a slot keeps it. A new
/// one gets a slot that the list in force does not use, so nothing is counted there before the switch.
fn assign_slots(old: &Table, rules: &Rules) -> Result<(Vec<u32>, BTreeSet<u32>)> {
    let mut free = FreeSlots {
        old,
        slots: 0..0,
        next_chunk: 0,
    };
    let mut chunks = BTreeSet::new();
    let mut slots = Vec::with_capacity(rules.len());
    for entry in rules.iter() {
        let slot = match entry
            .slot
            .filter(|_| kept(old, entry).is_ok_and(|kept| kept.is_some()))
        {
            Some(slot) => slot,
            None => free.next()?.ok_or(Error::Full {
                wanted: rules.len(),
                limit: SLOT_LIMIT as usize,
                what: "prefixes",
            })?,
        };
        slots.push(slot);
        chunks.insert(slot / PAGE);
    }
    Ok((slots, chunks))
}

/// The slots that the old table does not use, in ascending order.
struct FreeSlots<'a> {
    old: &'a Table,
    slots: std::ops::Range<u32>,
    next_chunk: u32,
}

impl FreeSlots<'_> {
    fn next(&mut self) -> Result<Option<u32>> {
        loop {
            for slot in &mut self.slots {
                if self.old.get(slot)?.action().is_none() {
                    return Ok(Some(slot));
                }
            }
            if self.next_chunk == Chunked::MAX_CHUNKS {
                return Ok(None);
            }
            self.slots = self.next_chunk * PAGE..(self.next_chunk + 1) * PAGE;
            self.next_chunk += 1;
        }
    }
}

/// The counts on the slots of new entries, in the order of the entries. Their own counts start from there.
fn bases(pins: &Pins, old: &Table, rules: &Rules, slots: &[u32]) -> Result<Vec<filter_common::PrefixCount>> {
    let mut new = Vec::new();
    for (entry, slot) in rules.iter().zip(slots) {
        if kept(old, entry)?.is_none() {
            new.push(*slot);
        }
    }
    counters::totals(pins, &new)
}

/// Fails with [`Error::Full`] if the lists do not fit into the maps. To be called before anything is created.
pub fn check_limits(rules: &Rules) -> Result<()> {
    let expiring = rules.iter().filter(|entry| entry.expires_ns.is_some()).count();
    check_counts(|action| rules.count(action), expiring)
}

/// Checks the limits from the numbers of entries. `count` returns how many IPv4 and IPv6 entries a list has.
pub(crate) fn check_counts(count: impl Fn(Action) -> (usize, usize), expiring: usize) -> Result<()> {
    let check = |wanted: usize, limit: u32, what| {
        let limit = limit as usize;
        if wanted > limit {
            Err(Error::Full { wanted, limit, what })
        } else {
            Ok(())
        }
    };
    let (trust, deny, retire) = (count(Action::Trust), count(Action::Deny), count(Action::Retire));
    check(trust.0 + deny.0, MAX_PREFIXES, "IPv4 prefixes")?;
    check(trust.1 + deny.1, MAX_PREFIXES, "IPv6 prefixes")?;
    check(retire.0, MAX_PREFIXES, "retired IPv4 prefixes")?;
    check(retire.1, MAX_PREFIXES, "retired IPv6 prefixes")?;
    check(expiring, MAX_EXPIRIES, "temporary prefixes")
}

/// Creates and pins the outer maps, which hold the tries of both generations.
pub fn make_maps(pins: &Pins) -> Result<()> {
    Tries::empty()?.make_outer_maps(pins)
}

/// Creates generation 0 of a new filter, without entries.
pub fn install_first(pins: &Pins) -> Result<()> {
    let name = directory(0);
    pins.fresh_directory(&name)?;
    let new = NewTable::make(1)?;
    let mut summary = Summary::default();
    new.table()?.set_page(0, 0);
    summary.set_free(new.table()?.chain_free()?);
    counters::make_chunks(pins, 0..1)?;
    new.pin(pins, &name)?;
    Numbered::<Label>::default().store::<LABEL>(pins, format!("{name}/{LABELS}"), SPARE_LABELS)?;
    Numbered::<Origin>::default().store::<ORIGIN>(pins, format!("{name}/{ORIGINS}"), SPARE_ORIGINS)?;
    let tries = Tries::empty()?;
    tries.pin(pins, &name)?;
    Header::create(pins, &name, &summary)?;
    tries.set(pins, 0)
}

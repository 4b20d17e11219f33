//! Changes one entry of the lists in force, without building a new generation. For packets such a change is one
//! write, to a trie or to a deadline. Before this write, the header gets a note of the change. After it, the record
//! and the summary are written, and the note is cleared. If a command is killed in between, the trie shows whether
//! the change was made, and so which of the two records is true. The next change writes that record.

use filter_common::Decision;
use ipnet::IpNet;

use super::{
    counters,
    error::Result,
    expiries::Expiries,
    header::{Header, Intent},
    in_force::Lists,
    intent::is_done_in,
    names::{LABEL, Names, NewName, ORIGIN},
    record::Record,
    summary::Summary,
    table::{NewPage, Table},
    tries::Tries,
};
use crate::{
    model::entry::{Action, Label, NewEntry, Origin},
    pins::{
        directory::Pins,
        names::{LABELS, ORIGINS},
    },
    sys::clock,
};

/// A planned change of one entry. Nothing has been written for it yet.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The change as it will be noted in the header.
    pub intent: Intent,
    label: Option<NewName<Label>>,
    origin: Option<NewName<Origin>>,
    page: Option<NewPage>,
}

impl From<Intent> for Plan {
    /// A change that needs no new label, origin or page.
    fn from(intent: Intent) -> Self {
        Self {
            intent,
            label: None,
            origin: None,
            page: None,
        }
    }
}

/// The lists in force, opened to change single entries.
pub struct Editor<'a> {
    pins: &'a Pins,
    header: &'a Header,
    generation: u32,
    tries: Tries,
    table: Table,
    expiries: Expiries,
    labels: Names<LABEL>,
    origins: Names<ORIGIN>,
    summary: Summary,
}

impl<'a> Editor<'a> {
    /// Opens the lists in force. They must have no unfinished change: see [`finish`].
    pub fn open(pins: &'a Pins, lists: &'a Lists) -> Result<Self> {
        let name = lists.directory();
        Ok(Self {
            pins,
            header: lists.header(),
            generation: lists.number(),
            tries: Tries::open(pins, &name)?,
            table: Table::few(pins, &name)?,
            expiries: Expiries::open(pins)?,
            labels: Names::open(pins, &format!("{name}/{LABELS}"))?,
            origins: Names::open(pins, &format!("{name}/{ORIGINS}"))?,
            summary: lists.summary(),
        })
    }

    /// The slot and the record of exactly this prefix, among sources (trust, deny) or among retired prefixes.
    pub fn find(&self, action: Action, prefix: IpNet) -> Result<Option<(u32, Record)>> {
        let Some(decision) = self.tries.longest(action, prefix)? else {
            return Ok(None);
        };
        let record = self.table.get(decision.slot())?;
        Ok((record.prefix() == Some(prefix)).then_some((decision.slot(), record)))
    }

    /// The origin of an entry, if the agent owns the entry. `None` if an operator added it by hand.
    pub fn kept_by(&self, record: &Record) -> Option<String> {
        let origin: Option<Origin> = record
            .is_saved()
            .then(|| self.origins.get(record.origin.into()))
            .flatten();
        origin.map(|origin| origin.as_str().to_owned())
    }

    /// Whether a record already has the label, origin, deadline and owner of the new entry.
    pub fn is_same(&self, record: &Record, new: &NewEntry) -> bool {
        let label = match record.label.checked_sub(1) {
            None => Some(Label::default()),
            Some(number) => self.labels.get(number),
        };
        let origin: Option<Origin> = self.origins.get(record.origin.into());
        (label.as_ref(), origin.as_ref()) == (Some(&new.label), Some(&new.origin))
            && record.expires_ns == new.expires_ns.unwrap_or(0)
            && record.is_saved() == new.saved
    }

    /// The slots and records of entries that have expired at `now_ns`.
    pub fn over(&self, now_ns: u64) -> Result<Vec<(u32, Record)>> {
        if self.summary.expiring == 0 {
            return Ok(Vec::new());
        }
        let slots = self.expiries.over(self.generation, now_ns)?;
        let taken = slots.into_iter().map(|slot| Ok((slot, self.table.get(slot)?)));
        let is_taken =
            |record: &Result<(u32, Record)>| record.as_ref().map_or(true, |(_, r)| r.action().is_some());
        taken.filter(is_taken).collect()
    }

    /// Plans to add an entry, or to change the one that exists. `present` is the slot and record of an entry for the
    /// same prefix that has not expired. `None` if the generation has no room, so that a new one must be built.
    pub fn plan(
        &self,
        action: Action,
        new: &NewEntry,
        present: Option<(u32, Record)>,
    ) -> Result<Option<Plan>> {
        let mut summary = self.summary;
        let label = match new.label == Label::default() {
            true => None,
            false => match self.labels.number(&new.label, &mut summary.labels) {
                None => return Ok(None),
                named => named,
            },
        };
        let Some((origin, new_origin)) = self.origins.number(&new.origin, &mut summary.origins) else {
            return Ok(None);
        };
        let Ok(origin) = u16::try_from(origin) else {
            return Ok(None);
        };
        let (slot, before, page) = match present {
            Some((slot, record)) => (slot, record, None),
            None => match self.free_slot(&mut summary)? {
                Some(free) => free,
                None => return Ok(None),
            },
        };
        let mut after = Record::new(action, new.prefix);
        let (label, new_label) = label.map_or((0, None), |(number, new)| (number + 1, new));
        (after.label, after.origin) = (label, origin);
        after.expires_ns = new.expires_ns.unwrap_or(0);
        after.set_saved(new.saved);
        (after.since_ns, after.base_packets, after.base_bytes) = if present.is_some() {
            (before.since_ns, before.base_packets, before.base_bytes)
        } else {
            let totals = counters::totals(self.pins, &[slot])?;
            let base = totals.first().copied().unwrap_or_default();
            (clock::now_ns()?, base.packets, base.bytes)
        };
        summary.count_record(&before, false);
        summary.count_record(&after, true);
        Ok(Some(Plan {
            intent: Intent {
                slot,
                before,
                after,
                summary,
            },
            label: new_label,
            origin: new_origin,
            page,
        }))
    }

    /// Plans the removal of the entry in `slot`. The slot becomes the first in the chain of free slots.
    pub fn plan_removal(&self, slot: u32, record: Record) -> Plan {
        let mut summary = self.summary;
        summary.count_record(&record, false);
        let after = Record::free(summary.free());
        summary.set_free(Some(slot));
        Plan::from(Intent {
            slot,
            before: record,
            after,
            summary,
        })
    }

    /// A free slot with its record: the next in the chain, or the first of a new page. `None` if there is no room.
    fn free_slot(&self, summary: &mut Summary) -> Result<Option<(u32, Record, Option<NewPage>)>> {
        if let Some(slot) = summary.free() {
            let record = self.table.get(slot)?;
            // The chain is damaged. Behave as if there were no room: the next generation gets a new chain.
            if record.action().is_some() || !self.table.has_place(slot) {
                return Ok(None);
            }
            summary.set_free(record.next());
            return Ok(Some((slot, record, None)));
        }
        Ok(self.table.free_page().map(|page| {
            let first = page.first_slot();
            summary.set_free(Some(first + 1));
            (first, Record::free(Some(first + 1)), Some(page))
        }))
    }

    /// Writes what packets do not see: a new label or origin, and a new page. If the command is killed after this,
    /// the next new name overwrites the name. The page stays unused until the next generation.
    pub fn prepare(&self, plan: &Plan) -> Result<()> {
        self.labels.add(plan.label.as_ref());
        self.origins.add(plan.origin.as_ref());
        if let Some(page) = plan.page {
            counters::make_chunks(self.pins, std::iter::once(page.chunk))?;
            self.table.add_page(page)?;
        }
        Ok(())
    }

    /// Makes the planned change. When this returns, packets see it. Then call [`write_down`](Self::write_down). Fails
    /// if a write fails. The record and the deadline are then set to what packets see, now or by the next change.
    pub fn apply(&mut self, plan: &Plan) -> Result<()> {
        self.prepare(plan)?;
        let intent = &plan.intent;
        self.header.begin(intent);
        let result = self.write_tries(intent);
        if result.is_err() {
            let is_done = is_done_in(&self.tries, &self.expiries, self.generation, intent).unwrap_or(false);
            // Return the first error, because it names the cause. If this fails too, the next change repeats it.
            let _ = self.finish(intent, is_done);
        }
        result
    }

    /// Writes what packets see. A deadline is written before the trie entry that refers to it, and removed after it.
    fn write_tries(&mut self, intent: &Intent) -> Result<()> {
        let Intent {
            slot, before, after, ..
        } = intent;
        let decision = |record: &Record| {
            let action = record.action()?;
            Some((
                action,
                record.prefix()?,
                Decision::new(action.kernel(), *slot, record.expires_ns != 0),
            ))
        };
        if let Some(prefix) = after.prefix().filter(|_| after.expires_ns != 0) {
            self.expiries
                .set(*slot, self.generation, after.expires_ns, prefix.prefix_len())?;
        }
        match (decision(before), decision(after)) {
            (before, Some(after)) if before != Some(after) => self.tries.insert(after.0, after.1, after.2),
            (Some((action, prefix, _)), None) => self.tries.remove(action, prefix),
            _ => Ok(()),
        }
    }

    /// Writes the record and the summary of an [applied](Self::apply) change, and clears the note. Else the next
    /// change does.
    pub fn write_down(&mut self, plan: &Plan) -> Result<()> {
        self.finish(&plan.intent, true)
    }

    /// Writes the true record, and the summary if the change was made. Then clears the note.
    fn finish(&mut self, intent: &Intent, is_done: bool) -> Result<()> {
        let record = if is_done { &intent.after } else { &intent.before };
        if record.expires_ns == 0 {
            self.expiries.remove(intent.slot, self.generation)?;
        } else if let Some(prefix) = record.prefix().filter(|_| !is_done) {
            // The failed change may have written its own deadline. Restore the old one.
            let (slot, deadline) = (intent.slot, record.expires_ns);
            self.expiries
                .set(slot, self.generation, deadline, prefix.prefix_len())?;
        }
        self.table.set(intent.slot, record)?;
        if is_done {
            self.summary = intent.summary;
            self.header.set_summary(&self.summary);
        }
        self.header.end();
        Ok(())
    }
}

/// Finishes the change that a killed command left. Returns whether there was one; if so, open the lists again.
pub fn finish(pins: &Pins, lists: &Lists) -> Result<bool> {
    let Some((intent, is_done)) = lists.left() else {
        return Ok(false);
    };
    let mut editor = Editor::open(pins, lists)?;
    editor.finish(intent, *is_done)?;
    Ok(true)
}

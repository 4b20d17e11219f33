//! Changes of a list: of one entry in place, of more by a new generation.

use std::{iter::Copied, slice::Iter};

use ipnet::IpNet;

use super::{
    error::{Error, Result},
    instance::{Features, Instance},
};
use crate::{
    lists::{
        coverage::{Coverage, Plan},
        generation,
        in_force::Lists,
        in_place::Editor,
        record::Record,
        table::Table,
        tries::Tries,
    },
    model::{
        entry::{Action, NewEntry},
        rules::{self, Difference},
        settings::Policy,
    },
    pins::directory::Pins,
    sys::clock,
};

/// Of lists up to this many entries coverage is made anew when something is removed: it takes a few milliseconds.
const SMALL: usize = 65_536;

/// What is to be done to a list.
#[derive(Debug)]
pub enum Change {
    /// Entries come in; those that are there already take the new label, origin and expiry.
    Add {
        /// The entries.
        entries: Vec<NewEntry>,
        /// Whether prefixes that cover a whole IP version are meant.
        force: bool,
    },
    /// Prefixes go; all must be there.
    Remove(Vec<IpNet>),
    /// Entries take the place of the whole list.
    Replace {
        /// The entries.
        entries: Vec<NewEntry>,
        /// As above.
        force: bool,
    },
}

/// Changes of single entries, in any list.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Entries that come in, or take another label, origin or expiry.
    pub set: Vec<(Action, NewEntry)>,
    /// Entries that go.
    pub remove: Vec<(Action, IpNet)>,
}

impl Edits {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// How many entries are concerned.
    pub fn len(&self) -> usize {
        self.set.len() + self.remove.len()
    }

    /// Whether a prefix goes from one list of sources to another: it has to leave the one first.
    fn moves_any(&self) -> bool {
        self.set.iter().any(|(action, entry)| {
            let is_other = |(from, prefix): &(Action, IpNet)| *prefix == entry.prefix && from != action;
            self.remove.iter().any(is_other)
        })
    }
}

/// Of a large list so many entries are changed where they stand; more, and it is built anew.
const FEW: usize = 64;

impl Instance {
    /// Changes entries: all at once, but for a few of a large list, of which those that come in come first.
    pub fn edit(&mut self, edits: Edits) -> Result<()> {
        let is_large = self.lists.summary().total() > SMALL;
        if edits.len() == 1 || is_large && edits.len() <= FEW && !edits.moves_any() {
            for (action, entry) in edits.set {
                let entries = vec![entry];
                self.change(action, Change::Add { entries, force: true })?;
            }
            for (action, prefix) in edits.remove {
                self.change(action, Change::Remove(vec![prefix]))?;
            }
            return Ok(());
        }
        let mut rules = self.live_rules()?;
        for action in Action::ALL {
            let of_list = edits.remove.iter().filter(|(of, _)| *of == action);
            let prefixes: Vec<IpNet> = of_list.map(|(_, prefix)| *prefix).collect();
            rules = rules.remove(action, &prefixes)?;
        }
        let mut set = edits.set;
        for action in Action::ALL {
            let (of_list, rest): (Vec<_>, Vec<_>) = set.into_iter().partition(|(of, _)| *of == action);
            let entries = of_list.into_iter().map(|(_, entry)| entry).collect();
            rules = rules.add(action, entries, true)?;
            set = rest;
        }
        self.set_rules(rules)
    }

    /// Changes a list, and says what is different.
    pub fn change(&mut self, list: Action, change: Change) -> Result<Difference> {
        match &change {
            Change::Add { entries, force } if entries.len() == 1 => {
                if let Some(difference) = self.add_one(list, &entries[0], *force)? {
                    return Ok(difference);
                }
            }
            Change::Remove(prefixes) if prefixes.len() == 1 => return self.remove_one(list, prefixes[0]),
            _ => {}
        }
        let before = self.live_rules()?;
        let after = match change {
            Change::Add { entries, force } => before.add(list, entries, force)?,
            Change::Remove(prefixes) => before.remove(list, &prefixes)?,
            Change::Replace { entries, force } => before.replace(list, entries, force)?,
        };
        let difference = before.difference(&after, list);
        if after != before {
            drop(before);
            self.set_rules(after)?;
        }
        Ok(difference)
    }

    /// `None` if there is no room for it beside the others: then all are built anew.
    fn add_one(&mut self, list: Action, new: &NewEntry, force: bool) -> Result<Option<Difference>> {
        let prefix = new.prefix;
        if prefix.prefix_len() == 0 && !force {
            return Err(rules::Error::WholeInternet { prefix, action: list }.into());
        }
        let now = clock::now_ns()?;
        let editor = Editor::open(&self.pins, &self.lists)?;
        let present = editor.find(list, prefix)?;
        let live = present
            .map(|(_, record)| record)
            .filter(|record| !record.is_over(now));
        if let Some(present) = live
            .and_then(|record| record.action())
            .filter(|present| *present != list)
        {
            let entry = self.lists.get(&self.pins, present, prefix)?;
            return Err(rules::Error::Conflict {
                prefix,
                present,
                kept_by: entry.and_then(|entry| entry.kept_by()),
                wanted: list,
            }
            .into());
        }
        let total = self.live_total(list)?;
        let is_there = match present.filter(|_| live.is_some()) {
            None => false,
            Some(present) => match editor.plan(list, new, Some(present))? {
                None => return Ok(None),
                Some(intent) => intent.after == intent.before,
            },
        };
        let mut difference = Difference::default();
        if !is_there {
            drop(editor);
            let features = self.features();
            let edited = self
                .respecialise(features.or(Features::for_list(list)))
                .and_then(|()| self.edit_one(list, prefix, Some(new), now));
            match edited {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    // The first error tells why; a program that looks for more than there is does no harm.
                    let _ = self.respecialise(features);
                    return Err(error);
                }
            }
            difference.added = usize::from(live.is_none());
            difference.changed = usize::from(live.is_some());
        }
        difference.total = total + difference.added;
        Ok(Some(difference))
    }

    fn remove_one(&mut self, list: Action, prefix: IpNet) -> Result<Difference> {
        let now = clock::now_ns()?;
        let present = Editor::open(&self.pins, &self.lists)?.find(list, prefix)?;
        let is_listed = |record: &Record| record.action() == Some(list) && !record.is_over(now);
        if !present.is_some_and(|(_, record)| is_listed(&record)) {
            return Err(rules::Error::NotListed { prefix, action: list }.into());
        }
        let total = self.live_total(list)?;
        if list == Action::Trust && total == 1 && self.settings.policy == Policy::Enforce {
            return Err(Error::NobodyTrusted);
        }
        self.edit_one(list, prefix, None, now)?;
        Ok(Difference {
            removed: 1,
            total: total.saturating_sub(1),
            ..Difference::default()
        })
    }

    /// Puts an entry in, or takes it out, and with it those whose time is over. `false` if there is no room for it.
    fn edit_one(&mut self, list: Action, prefix: IpNet, new: Option<&NewEntry>, now_ns: u64) -> Result<bool> {
        let (pins, lists, secret) = (&self.pins, &self.lists, self.settings.secret);
        lists.header.set_dirty(true);
        let mut editor = Editor::open(pins, lists)?;
        let mut edits = 0;
        // This prefix among them, if its time is over: given another deadline first, it would count again for as long as the
        // program finds the old entry.
        for (slot, record) in editor.over(now_ns)? {
            let removal = editor.plan_removal(slot, record);
            editor.apply(&removal)?;
            editor.write_down(&removal)?;
            edits += 1;
        }
        let present = editor.find(list, prefix)?;
        let intent = match (new, present) {
            (Some(new), _) => {
                let Some(intent) = editor.plan(list, new, present)? else {
                    return Ok(false);
                };
                generation::check_counts(
                    |action| intent.summary.count(action),
                    intent.summary.expiring as usize,
                )?;
                if list != Action::Retire {
                    Coverage::open(pins)?.add(prefix, secret);
                }
                Some(intent)
            }
            (None, Some((slot, record))) => Some(editor.plan_removal(slot, record)),
            (None, None) => None,
        };
        if let Some(intent) = &intent {
            editor.apply(intent)?;
            if let Err(error) = editor.write_down(intent) {
                // It is in force, but the record does not know it yet, and coverage is made from records. The note about it
                // stands, and coverage counts as dirty: the next change does all that follows.
                self.afterwards(Err(error.into()));
                return Ok(true);
            }
        }
        // The entry is what it should be. What cannot be done now is done by the next change.
        let is_larger_only = edits == 0 && new.is_some();
        drop(editor);
        let tidied = tidy_coverage(&self.pins, &self.lists, secret, edits + 1, is_larger_only);
        self.afterwards(tidied);
        let respecialised = self.respecialise(Features::of(&self.lists.summary()));
        self.afterwards(respecialised);
        Ok(true)
    }

    fn live_total(&self, list: Action) -> Result<usize> {
        let (v4, v6) = self.lists.live_summary(&self.pins)?.count(list);
        Ok(v4 + v6)
    }
}

/// Makes coverage what the list needs after `edits` of single entries, which `is_larger_only` if none went. Of a large list the
/// whole is not read for each: what goes is left in coverage, until it is more than an eighth of the list.
fn tidy_coverage(pins: &Pins, lists: &Lists, secret: u64, edits: u64, is_larger_only: bool) -> Result<()> {
    let total = lists.summary().total();
    let drift = lists.header.drift() + edits;
    if total > SMALL && drift <= total as u64 / 8 {
        lists.header.set_drift(drift);
        lists.header.set_dirty(false);
        return Ok(());
    }
    make_coverage(pins, lists, secret, |coverage, plan| {
        is_larger_only && coverage.fits(plan)
    })
}

/// Makes coverage exactly what the list needs.
pub(crate) fn restore_coverage(pins: &Pins, lists: &Lists, secret: u64) -> Result<()> {
    make_coverage(pins, lists, secret, |_, _| false)
}

fn make_coverage(
    pins: &Pins,
    lists: &Lists,
    secret: u64,
    will_do: impl FnOnce(&Coverage, &Plan<Copied<Iter<'_, IpNet>>>) -> bool,
) -> Result<()> {
    let mut prefixes = Vec::new();
    for record in Table::whole(pins, &lists.directory())?.taken() {
        let (_, record) = record?;
        prefixes.extend(
            record
                .prefix()
                .filter(|_| record.action() != Some(Action::Retire)),
        );
    }
    prefixes.sort_unstable();
    let (coverage, plan) = (Coverage::open(pins)?, Plan::new(prefixes.iter().copied(), secret));
    if !will_do(&coverage, &plan) {
        let tries = Tries::open(pins, &lists.directory())?;
        coverage.settle(&plan, || tries.grace(pins, lists.number()))?;
    }
    lists.header.set_drift(0);
    lists.header.set_dirty(false);
    Ok(())
}

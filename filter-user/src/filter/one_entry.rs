//! Adds, changes or removes one entry of the lists in force, without building a new generation. It also does what
//! must happen before and after: programs, coverage, and expired entries.

use ipnet::IpNet;

use super::{
    attachments::Attachments,
    error::{Error, Result},
    features::Features,
};
use crate::{
    lists::{coverage::Coverage, covered, generation, in_force::Lists, in_place::Editor, record::Record},
    model::{
        entry::{Action, NewEntry},
        rules::{self, Difference},
        settings::{Policy, Settings},
    },
    pins::directory::Pins,
    sys::clock,
};

/// The result of a change.
pub struct Changed {
    /// The numbers of entries that are different.
    pub difference: Difference,
    /// Why the clean-up after the change failed. The change itself is in force, and the next change repeats the
    /// clean-up.
    pub undone: Option<Error>,
}

/// A filter that is open for the change of one entry.
pub struct OneEntry<'a> {
    pins: &'a Pins,
    settings: &'a Settings,
    lists: &'a Lists,
    attachments: &'a mut Attachments,
    editor: Editor<'a>,
    now_ns: u64,
    undone: Option<Error>,
}

impl<'a> OneEntry<'a> {
    /// Opens the lists in force. They must have no unfinished change.
    pub fn open(
        pins: &'a Pins,
        settings: &'a Settings,
        lists: &'a Lists,
        attachments: &'a mut Attachments,
    ) -> Result<Self> {
        Ok(Self {
            pins,
            settings,
            lists,
            attachments,
            editor: Editor::open(pins, lists)?,
            now_ns: clock::now_ns()?,
            undone: None,
        })
    }

    /// Adds an entry, or gives it another label, origin or expiry. `None` if the generation has no room for it, so
    /// that a new one must be built.
    ///
    /// # Errors
    ///
    /// Fails if another list has the prefix, or if the prefix is a /0 and `force` is false.
    pub fn add(mut self, list: Action, new: &NewEntry, force: bool) -> Result<Option<Changed>> {
        let prefix = new.prefix;
        if prefix.prefix_len() == 0 && !force {
            return Err(rules::Error::WholeInternet { prefix, action: list }.into());
        }
        let present = self.editor.find(list, prefix)?;
        let live = present.filter(|(_, record)| !record.is_over(self.now_ns));
        if let Some((_, record)) = live
            && let Some(present) = record.action().filter(|present| *present != list)
        {
            return Err(rules::Error::Conflict {
                prefix,
                present,
                kept_by: self.editor.kept_by(&record),
                wanted: list,
            }
            .into());
        }
        let total = self.live_total(list)?;
        if live.is_some_and(|(_, record)| self.editor.is_same(&record, new)) {
            return Ok(Some(self.changed(Difference {
                total,
                ..Difference::default()
            })));
        }
        // Programs must look for deny entries or retired prefixes before the first such entry exists.
        let features = Features::of(&self.lists.summary());
        let wanted = features.or(Features::for_list(list));
        let added = self
            .attachments
            .respecialise(self.pins, self.settings, wanted)
            .and_then(|()| self.put(list, new, live));
        match added {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                // Return the first error, because it names the cause. A program that looks for entries that do not
                // exist is still right.
                let _ = self.attachments.respecialise(self.pins, self.settings, features);
                return Err(error);
            }
        }
        let (added, changed) = (usize::from(live.is_none()), usize::from(live.is_some()));
        Ok(Some(self.changed(Difference {
            added,
            changed,
            total: total + added,
            ..Difference::default()
        })))
    }

    /// Removes the entry of exactly this prefix.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or if an enforcing filter would lose its last trusted prefix.
    pub fn remove(mut self, list: Action, prefix: IpNet) -> Result<Changed> {
        let present = self.editor.find(list, prefix)?;
        let is_listed = |record: &Record| record.action() == Some(list) && !record.is_over(self.now_ns);
        let Some((slot, record)) = present.filter(|(_, record)| is_listed(record)) else {
            return Err(rules::Error::NotListed { prefix, action: list }.into());
        };
        let total = self.live_total(list)?;
        if list == Action::Trust && total == 1 && self.settings.policy == Policy::Enforce {
            return Err(Error::NobodyTrusted);
        }
        let expired = self.remove_expired()?;
        let plan = self.editor.plan_removal(slot, record);
        self.editor.apply(&plan)?;
        match self.editor.write_down(&plan) {
            Ok(()) => self.follow(expired + 1, false),
            Err(error) => self.left(error.into()),
        }
        Ok(self.changed(Difference {
            removed: 1,
            total: total.saturating_sub(1),
            ..Difference::default()
        }))
    }

    /// Writes an entry over `live`, or into a free slot. Returns false if there is no room for it.
    fn put(&mut self, list: Action, new: &NewEntry, live: Option<(u32, Record)>) -> Result<bool> {
        // An expired entry for the same prefix must go first. If it got a new deadline instead, it would count
        // again while the program still finds the old entry.
        let expired = self.remove_expired()?;
        let Some(plan) = self.editor.plan(list, new, live)? else {
            return Ok(false);
        };
        let summary = &plan.intent.summary;
        generation::check_counts(|action| summary.count(action), summary.expiring as usize)?;
        if list != Action::Retire {
            Coverage::open(self.pins)?.add(new.prefix, self.settings.secret);
        }
        self.editor.apply(&plan)?;
        match self.editor.write_down(&plan) {
            Ok(()) => self.follow(expired + 1, expired == 0),
            Err(error) => self.left(error.into()),
        }
        Ok(true)
    }

    /// Removes all expired entries. Returns how many there were.
    fn remove_expired(&mut self) -> Result<u64> {
        self.lists.header().set_dirty(true);
        let mut expired = 0;
        for (slot, record) in self.editor.over(self.now_ns)? {
            let removal = self.editor.plan_removal(slot, record);
            self.editor.apply(&removal)?;
            self.editor.write_down(&removal)?;
            expired += 1;
        }
        Ok(expired)
    }

    /// Cleans up after `edits` changes. `is_larger_only` says that no entry was removed. If something fails, the
    /// next change repeats it.
    fn follow(&mut self, edits: u64, is_larger_only: bool) {
        let secret = self.settings.secret;
        if let Err(error) = covered::tidy(self.pins, self.lists, secret, edits, is_larger_only) {
            self.left(error.into());
        }
        let features = Features::of(&self.lists.summary());
        if let Err(error) = self.attachments.respecialise(self.pins, self.settings, features) {
            self.left(error);
        }
    }

    /// Keeps the first failure of the clean-up. If a record could not be written, coverage stays dirty, because it
    /// is made from records. The note in the header makes the next change write the record, and then the rest.
    fn left(&mut self, error: Error) {
        self.undone.get_or_insert(error);
    }

    fn changed(self, difference: Difference) -> Changed {
        Changed {
            difference,
            undone: self.undone,
        }
    }

    fn live_total(&self, list: Action) -> Result<usize> {
        let (v4, v6) = self.lists.live_summary(self.pins)?.count(list);
        Ok(v4 + v6)
    }
}

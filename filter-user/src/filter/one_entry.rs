//! A change of one entry, where it stands in the lists in force.

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

/// What a change came to.
pub struct Changed {
    /// What is different.
    pub difference: Difference,
    /// Why something that follows the change could not be done. The next change does it.
    pub undone: Option<Error>,
}

/// A filter in which one entry is changed.
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
    /// Opens the lists in force.
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

    /// Adds an entry, or gives it another label, origin or expiry. `None` if there is no room for it beside the others: then all
    /// lists are built anew.
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
        // A program that looks for deny entries or retired prefixes comes before the first of them.
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
                // The first error tells why; a program that looks for more than there is does no harm.
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

    /// Removes an entry.
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

    /// Puts an entry in the place of `live`, or in a free one. `false` if there is no room for it.
    fn put(&mut self, list: Action, new: &NewEntry, live: Option<(u32, Record)>) -> Result<bool> {
        // An entry for this prefix whose time is over goes first. Given another deadline, it would count again for as long as
        // the program finds the old one.
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

    /// Removes the entries whose time is over, and says how many there were.
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

    /// Does what follows a change of so many entries, of which none was removed if `is_larger_only`. What cannot be done now is
    /// done by the next change.
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

    /// Notes why something that follows could not be done. Where the record could not be written, coverage stays dirty, since it
    /// is made from records; the note in the header has the next change write the record and do the rest.
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

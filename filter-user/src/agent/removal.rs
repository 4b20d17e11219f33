//! When an entry is removed after it has left its list: at once, after a grace period, or not at all.

use std::{collections::HashMap, time::Duration};

use filter_common::MAX_EXPIRIES;

use crate::model::{
    entry::{Action, Entry, Origin},
    rules::Rules,
};

/// When an entry is removed that its list no longer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// After this grace period; zero is at once.
    After(Duration),
    /// Not at all: its list is unknown at present, so nothing says that the entry has left it.
    Never,
}

/// The removal policy for all entries that are no longer desired.
#[derive(Debug, Default)]
pub struct Removals {
    /// For the entries of a feed, by their origin.
    pub feeds: HashMap<Origin, Removal>,
    /// Whether a trusted feed has never had a list. Such a feed may be a renamed one, or replace prefixes that were typed:
    /// trusted entries stay until it has a list.
    pub is_trusted_list_missing: bool,
}

impl Removals {
    /// When `entry` is removed. An entry that no feed has brought is removed at once.
    pub fn of(&self, entry: &Entry) -> Removal {
        match self.feeds.get(&entry.origin) {
            Some(removal) => *removal,
            None if self.is_trusted_list_missing && entry.action == Action::Trust => Removal::Never,
            None => Removal::After(Duration::ZERO),
        }
    }
}

/// How many entries have an expiry, against how many may have one. The agent uses half of a filter's expiries, and leaves the
/// others to operators. Entries that are not trusted get a quarter of the agent's half. To deny a client too long
/// harms nobody, but a client whose trust ends too soon is dropped.
#[derive(Default)]
pub struct ExpiryBudget {
    trusted: usize,
    others: usize,
}

impl ExpiryBudget {
    pub(super) const ALL: usize = MAX_EXPIRIES as usize / 2;
    pub(super) const OTHERS: usize = Self::ALL / 4;

    /// What the entries in force have used up.
    pub fn used_by(present: &Rules) -> Self {
        let mut budget = Self::default();
        for entry in present.iter().filter(|entry| entry.expires_ns.is_some()) {
            budget.spend(entry.action);
        }
        budget
    }

    /// Counts one more expiry.
    pub const fn spend(&mut self, action: Action) {
        match action {
            Action::Trust => self.trusted += 1,
            Action::Deny | Action::Retire => self.others += 1,
        }
    }

    /// Whether one more entry of this list may have an expiry.
    pub const fn allows(&self, action: Action) -> bool {
        let is_room = self.trusted + self.others < Self::ALL;
        match action {
            Action::Trust => is_room,
            Action::Deny | Action::Retire => is_room && self.others < Self::OTHERS,
        }
    }
}

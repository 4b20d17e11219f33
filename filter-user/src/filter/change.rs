//! What can be done to lists, as values.

use ipnet::IpNet;

use crate::model::{
    entry::{Action, NewEntry},
    rules::{Result, Rules},
};

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

impl Change {
    /// The lists after it.
    pub fn applied_to(self, rules: &Rules, list: Action) -> Result<Rules> {
        match self {
            Self::Add { entries, force } => rules.add(list, entries, force),
            Self::Remove(prefixes) => rules.remove(list, &prefixes),
            Self::Replace { entries, force } => rules.replace(list, entries, force),
        }
    }
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
    pub fn moves_any(&self) -> bool {
        self.set.iter().any(|(action, entry)| {
            let is_other = |(from, prefix): &(Action, IpNet)| *prefix == entry.prefix && from != action;
            self.remove.iter().any(is_other)
        })
    }

    /// The lists after all of them.
    pub fn applied_to(self, mut rules: Rules) -> Result<Rules> {
        for action in Action::ALL {
            let of_list = self.remove.iter().filter(|(of, _)| *of == action);
            let prefixes: Vec<IpNet> = of_list.map(|(_, prefix)| *prefix).collect();
            rules = rules.remove(action, &prefixes)?;
        }
        let mut set = self.set;
        for action in Action::ALL {
            let (of_list, rest): (Vec<_>, Vec<_>) = set.into_iter().partition(|(of, _)| *of == action);
            let entries = of_list.into_iter().map(|(_, entry)| entry).collect();
            rules = rules.add(action, entries, true)?;
            set = rest;
        }
        Ok(rules)
    }
}

//! Changes of lists as values, and the lists that result from them.

use ipnet::IpNet;

use crate::model::{
    entry::{Action, NewEntry},
    rules::{Result, Rules},
};

/// A change of one list.
#[derive(Debug)]
pub enum Change {
    /// Adds entries. An entry that exists gets the new label, origin and expiry.
    Add {
        /// The entries to add.
        entries: Vec<NewEntry>,
        /// Whether prefixes that cover a whole IP version (/0) are allowed.
        force: bool,
    },
    /// Removes the entries of these prefixes. All of them must exist.
    Remove(Vec<IpNet>),
    /// Replaces all entries of the list.
    Replace {
        /// The entries of the new list.
        entries: Vec<NewEntry>,
        /// Whether prefixes that cover a whole IP version (/0) are allowed.
        force: bool,
    },
}

impl Change {
    /// The lists that result from this change of `list`.
    ///
    /// # Errors
    ///
    /// Fails if the change is not allowed, for example if another list already has the prefix.
    pub fn applied_to(self, rules: &Rules, list: Action) -> Result<Rules> {
        match self {
            Self::Add { entries, force } => rules.add(list, entries, force),
            Self::Remove(prefixes) => rules.remove(list, &prefixes),
            Self::Replace { entries, force } => rules.replace(list, entries, force),
        }
    }
}

/// Changes of single entries, in any of the lists.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Entries to add, or to give another label, origin or expiry.
    pub set: Vec<(Action, NewEntry)>,
    /// Entries to remove.
    pub remove: Vec<(Action, IpNet)>,
}

impl Edits {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// How many entries change.
    pub fn len(&self) -> usize {
        self.set.len() + self.remove.len()
    }

    /// Whether a prefix moves between the trust list and the deny list. Such a prefix must be removed before it is
    /// added.
    pub fn moves_any(&self) -> bool {
        self.set.iter().any(|(action, entry)| {
            let is_other = |(from, prefix): &(Action, IpNet)| *prefix == entry.prefix && from != action;
            self.remove.iter().any(is_other)
        })
    }

    /// The lists that result from all changes. Removals come first.
    ///
    /// # Errors
    ///
    /// Fails if a change is not allowed, for example if a prefix to remove is not in its list.
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

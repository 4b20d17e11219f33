//! The lists as a plan: what a change makes of them, before anything is done in the kernel.

use std::collections::{BTreeMap, btree_map};

use ipnet::IpNet;

use crate::{
    Error, Result,
    entry::{Action, Entry, NewEntry},
};

/// Trust and deny entries share the tries of sources, so a prefix can stand there once; retired ones are
/// looked up by destination.
type Key = (bool, IpNet);

/// All lists of a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    entries: BTreeMap<Key, Entry>,
}

impl FromIterator<Entry> for Rules {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self {
            entries: entries
                .into_iter()
                .map(|entry| (key(entry.action, entry.prefix), entry))
                .collect(),
        }
    }
}

fn key(action: Action, prefix: IpNet) -> Key {
    (action == Action::Retire, prefix)
}

impl Rules {
    /// Every entry: sources before destinations, IPv4 before IPv6, then by address.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The entries of one list.
    pub fn list(&self, action: Action) -> impl Iterator<Item = &Entry> {
        self.iter().filter(move |entry| entry.action == action)
    }

    /// How many entries of one list are IPv4 and IPv6.
    pub fn count(&self, action: Action) -> (usize, usize) {
        self.list(action)
            .fold((0, 0), |(v4, v6), entry| match entry.prefix {
                IpNet::V4(_) => (v4 + 1, v6),
                IpNet::V6(_) => (v4, v6 + 1),
            })
    }

    /// Whether one list has any entry.
    pub fn any(&self, action: Action) -> bool {
        self.list(action).next().is_some()
    }

    /// The entry for exactly that prefix.
    pub fn get(&self, action: Action, prefix: IpNet) -> Option<&Entry> {
        self.entries
            .get(&key(action, prefix))
            .filter(|entry| entry.action == action)
    }

    /// Leaves out what stopped to count before `now_ns`.
    #[must_use]
    pub fn without_expired(mut self, now_ns: u64) -> Self {
        self.entries
            .retain(|_, entry| entry.expires_ns.is_none_or(|deadline| deadline > now_ns));
        self
    }

    /// Adds entries to a list. One that is there already takes the new label, origin and expiry.
    pub fn add(&self, action: Action, new: Vec<NewEntry>, force: bool) -> Result<Self> {
        let mut rules = self.clone();
        for entry in new {
            rules.put(action, entry, force)?;
        }
        Ok(rules)
    }

    /// Removes prefixes from a list; all must be there.
    pub fn remove(&self, action: Action, prefixes: &[IpNet]) -> Result<Self> {
        let mut rules = self.clone();
        for prefix in prefixes {
            match rules.entries.entry(key(action, *prefix)) {
                btree_map::Entry::Occupied(entry) if entry.get().action == action => drop(entry.remove()),
                _ => {
                    return Err(Error::NotListed {
                        prefix: *prefix,
                        action,
                    });
                }
            }
        }
        Ok(rules)
    }

    /// Puts new entries in the place of a whole list. Prefixes in both keep their slots.
    pub fn replace(&self, action: Action, new: Vec<NewEntry>, force: bool) -> Result<Self> {
        let mut rules = self.clone();
        let mut before = BTreeMap::new();
        rules.entries.retain(|key, entry| {
            if entry.action == action {
                before.insert(*key, entry.slot);
            }
            entry.action != action
        });
        for entry in new {
            let key = key(action, entry.prefix);
            rules.put(action, entry, force)?;
            if let Some(entry) = rules.entries.get_mut(&key) {
                entry.slot = before.get(&key).copied().flatten();
            }
        }
        Ok(rules)
    }

    fn put(&mut self, action: Action, new: NewEntry, force: bool) -> Result<()> {
        let NewEntry {
            prefix,
            label,
            origin,
            expires_ns,
        } = new;
        if prefix.prefix_len() == 0 && !force {
            return Err(Error::WholeInternet { prefix, action });
        }
        let entry = Entry {
            prefix,
            action,
            label,
            origin,
            expires_ns,
            slot: None,
        };
        match self.entries.entry(key(action, prefix)) {
            btree_map::Entry::Vacant(place) => drop(place.insert(entry)),
            btree_map::Entry::Occupied(mut place) => {
                let present = place.get();
                if present.action != action {
                    return Err(Error::Conflict {
                        prefix,
                        present: present.action,
                        wanted: action,
                    });
                }
                let slot = present.slot;
                place.insert(Entry { slot, ..entry });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        entry::{Label, Origin},
        prefix,
    };

    fn new(prefix: &str, label: &str) -> NewEntry {
        NewEntry {
            prefix: prefix::parse(prefix).unwrap(),
            label: Label::new(label).unwrap(),
            origin: Origin::manual(),
            expires_ns: None,
        }
    }

    fn shown(rules: &Rules) -> Vec<String> {
        rules
            .iter()
            .map(|e| format!("{} {} {}", e.action, e.prefix, e.label.as_str()))
            .collect()
    }

    #[test]
    fn a_prefix_is_trusted_or_denied_but_not_both() {
        let rules = Rules::default()
            .add(Action::Trust, vec![new("10.0.0.0/8", "")], false)
            .unwrap();
        assert!(matches!(
            rules.add(Action::Deny, vec![new("10.0.0.0/8", "")], false),
            Err(Error::Conflict {
                present: Action::Trust,
                wanted: Action::Deny,
                ..
            })
        ));
        // A retired prefix is a destination: it may be the same.
        assert!(
            rules
                .add(Action::Retire, vec![new("10.0.0.0/8", "")], false)
                .is_ok()
        );
    }

    #[test]
    fn replace_leaves_the_other_lists_alone_and_keeps_slots() {
        let rules = Rules::default()
            .add(
                Action::Trust,
                vec![new("10.0.0.0/8", "a"), new("192.0.2.0/24", "b")],
                false,
            )
            .unwrap()
            .add(Action::Deny, vec![new("10.1.0.0/16", "c")], false)
            .unwrap();
        let rules: Rules = rules
            .iter()
            .zip(1..)
            .map(|(entry, slot)| Entry {
                slot: Some(slot),
                ..entry.clone()
            })
            .collect();
        let kept = rules
            .get(Action::Trust, prefix::parse("10.0.0.0/8").unwrap())
            .unwrap()
            .slot;
        let rules = rules
            .replace(
                Action::Trust,
                vec![new("10.0.0.0/8", "x"), new("2001:db8::/32", "")],
                false,
            )
            .unwrap();
        assert_eq!(
            shown(&rules),
            ["trust 10.0.0.0/8 x", "deny 10.1.0.0/16 c", "trust 2001:db8::/32 "]
        );
        assert_eq!(
            rules
                .get(Action::Trust, prefix::parse("10.0.0.0/8").unwrap())
                .unwrap()
                .slot,
            kept
        );
    }

    #[test]
    fn everything_needs_force() {
        for prefix in ["0.0.0.0/0", "::/0"] {
            assert!(
                Rules::default()
                    .add(Action::Trust, vec![new(prefix, "")], false)
                    .is_err()
            );
            assert!(
                Rules::default()
                    .add(Action::Trust, vec![new(prefix, "")], true)
                    .is_ok()
            );
        }
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let rules = Rules::default()
            .add(Action::Trust, vec![new("10.0.0.0/8", "")], false)
            .unwrap();
        let gone = [
            prefix::parse("10.0.0.0/8").unwrap(),
            prefix::parse("10.0.0.0/9").unwrap(),
        ];
        assert!(matches!(
            rules.remove(Action::Trust, &gone),
            Err(Error::NotListed { .. })
        ));
        assert!(matches!(
            rules.remove(Action::Deny, &gone[..1]),
            Err(Error::NotListed { .. })
        ));
        assert_eq!(
            shown(&rules.remove(Action::Trust, &gone[..1]).unwrap()),
            Vec::<String>::new()
        );
    }
}

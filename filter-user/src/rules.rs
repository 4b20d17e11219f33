//! The lists as a plan: what a change makes of them, before anything is done in the kernel.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
};

pub use filter_common::Action as KernelAction;
use ipnet::IpNet;

use crate::{Error, Result};

/// Bytes of a label at the most.
pub const MAX_LABEL_BYTES: usize = 31;
/// Bytes of an origin at the most; a longer one loses its middle.
pub const MAX_ORIGIN_BYTES: usize = 127;

/// The list that an entry stands in, in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Sources that get through.
    Trust,
    /// Sources that do not, though a wider prefix is trusted.
    Deny,
    /// Destinations that answer nothing.
    Retire,
}

impl Action {
    /// The word of the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Deny => "deny",
            Self::Retire => "retire",
        }
    }

    /// The same for the kernel program.
    pub const fn kernel(self) -> KernelAction {
        match self {
            Self::Trust => KernelAction::Trust,
            Self::Deny => KernelAction::Deny,
            Self::Retire => KernelAction::Retire,
        }
    }

    /// Back from [`Self::kernel`]'s number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Trust),
            2 => Some(Self::Deny),
            3 => Some(Self::Retire),
            _ => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A label that fits into an entry. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Checks the length, and that it cannot disturb a terminal.
    pub fn new(text: &str) -> Result<Self> {
        if text.len() > MAX_LABEL_BYTES || text.chars().any(char::is_control) {
            return Err(Error::Label(text.escape_debug().collect()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where an entry came from: `manual`, `file:…`, `provider:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// Cuts the middle out of what is too long, since both ends of a path tell something.
    pub fn new(text: &str) -> Self {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { '?' } else { c })
            .collect();
        if clean.len() <= MAX_ORIGIN_BYTES {
            return Self(clean);
        }
        let half = (MAX_ORIGIN_BYTES - '…'.len_utf8()) / 2;
        let head = clean.floor_char_boundary(half);
        let tail = clean.ceil_char_boundary(clean.len() - half);
        Self(format!("{}…{}", &clean[..head], &clean[tail..]))
    }

    /// What was typed on the command line.
    pub fn manual() -> Self {
        Self("manual".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entry that is to be added.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// What the user calls it.
    pub label: Label,
    /// Where it came from.
    pub origin: Origin,
    /// When it stops to count, in nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: Option<u64>,
}

/// An entry in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// The list that it stands in.
    pub action: Action,
    /// What the user calls it.
    pub label: Label,
    /// Where it came from.
    pub origin: Origin,
    /// When it stops to count, in nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: Option<u64>,
    /// The slot of its counters; `None` until it is in force.
    pub slot: Option<u32>,
}

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
    use crate::prefix;

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

    #[test]
    fn labels_and_origins_fit() {
        assert!(Label::new(&"x".repeat(MAX_LABEL_BYTES)).is_ok());
        assert!(Label::new(&"x".repeat(MAX_LABEL_BYTES + 1)).is_err());
        assert!(Label::new("a\u{1b}[31m").is_err());
        let long = Origin::new(&format!("file:/{}/list.txt", "ü".repeat(200)));
        assert!(long.as_str().len() <= MAX_ORIGIN_BYTES);
        assert!(long.as_str().starts_with("file:/") && long.as_str().ends_with("/list.txt"));
    }
}

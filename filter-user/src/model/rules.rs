//! The entries of all lists, and changes to them. A change is planned here before the kernel is touched.

use std::{cmp::Ordering, iter::Peekable, num::NonZeroU64};

use ipnet::IpNet;

use super::entry::{Action, Entry, NewEntry};

/// A result of planning.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a change of a list is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A prefix that covers a whole IP version.
    #[error("{action} {prefix} covers every address of that IP version; if you mean it, add --force")]
    WholeInternet {
        /// The prefix.
        prefix: IpNet,
        /// What should happen to it.
        action: Action,
    },
    /// One prefix with two actions.
    #[error(
        "{prefix} is already a {present} entry and cannot be a {wanted} entry too; {}",
        match kept_by {
            None => format!("remove it there first: synwall {present} remove {prefix}"),
            Some(place) => format!("the agent keeps it ({place}): take it out there first, or {wanted} longer prefixes of it"),
        }
    )]
    Conflict {
        /// The prefix.
        prefix: IpNet,
        /// The action that it has.
        present: Action,
        /// Where it comes from, if the agent keeps it there.
        kept_by: Option<String>,
        /// The action that it should have.
        wanted: Action,
    },
    /// A prefix to be removed that is not there.
    #[error("{prefix} is not a {action} entry; nothing was removed (see: synwall {action} list)")]
    NotListed {
        /// The prefix.
        prefix: IpNet,
        /// The list.
        action: Action,
    },
}

/// What an entry is unique by. Trust and deny entries share the tries of sources, so a prefix can be in one of the two
/// lists. Retired prefixes are looked up by destination.
pub(crate) type Key = (bool, IpNet);

/// All lists of a filter, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    entries: Vec<Entry>,
}

impl From<Vec<Entry>> for Rules {
    /// The last of several entries for one prefix wins.
    fn from(mut entries: Vec<Entry>) -> Self {
        sort(&mut entries, key_of);
        Self { entries }
    }
}

pub(crate) fn key(action: Action, prefix: IpNet) -> Key {
    (action == Action::Retire, prefix)
}

pub(crate) fn key_of(entry: &Entry) -> Key {
    key(entry.action, entry.prefix)
}

/// Sorts, and keeps the last of equal keys. The input is mostly sorted already, which one pass finds out.
fn sort<T, K: Ord>(entries: &mut Vec<T>, key: impl Fn(&T) -> K) {
    if entries.is_sorted_by(|a, b| key(a) < key(b)) {
        return;
    }
    entries.sort_by_key(&key);
    entries.dedup_by(|later, earlier| {
        let same = key(later) == key(earlier);
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
}

/// How a list differs after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Prefixes that were not in the list.
    pub added: usize,
    /// Prefixes that are no longer in it.
    pub removed: usize,
    /// Prefixes with another label, origin or time limit.
    pub changed: usize,
    /// Prefixes in the list now.
    pub total: usize,
}

impl Rules {
    /// Every entry: sources before destinations, IPv4 before IPv6, then by address.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.entries.iter()
    }

    /// Every entry, in the order of [`Self::iter`].
    pub fn as_slice(&self) -> &[Entry] {
        &self.entries
    }

    /// How many entries there are in all lists.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether all lists are empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The prefixes of trust and deny entries.
    pub fn sources(&self) -> impl Iterator<Item = IpNet> + Clone {
        self.iter()
            .filter(|entry| entry.action != Action::Retire)
            .map(|entry| entry.prefix)
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

    /// The entry for exactly this prefix.
    pub fn get(&self, action: Action, prefix: IpNet) -> Option<&Entry> {
        let found = self.find(key(action, prefix))?;
        self.entries.get(found).filter(|entry| entry.action == action)
    }

    fn find(&self, key: Key) -> Option<usize> {
        self.entries.binary_search_by_key(&key, key_of).ok()
    }

    /// Leaves out entries whose time limit is before `now_ns`.
    #[must_use]
    pub fn without_expired(mut self, now_ns: u64) -> Self {
        self.entries.retain(|entry| !entry.is_over(now_ns));
        self
    }

    /// Adds entries to a list. An existing entry gets the new label, origin and time limit.
    pub fn add(&self, action: Action, new: Vec<NewEntry>, force: bool) -> Result<Self> {
        self.merge(action, new, force, true)
    }

    /// Removes prefixes from a list; all must be there, each once.
    pub fn remove(&self, action: Action, prefixes: &[IpNet]) -> Result<Self> {
        let missing = |prefix: IpNet| Error::NotListed { prefix, action };
        let mut gone = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            let found = self.find(key(action, *prefix));
            let found = found.filter(|found| self.entries[*found].action == action);
            gone.push(found.ok_or_else(|| missing(*prefix))?);
        }
        gone.sort_unstable();
        if let Some(pair) = gone.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(missing(self.entries[pair[0]].prefix));
        }
        let stays = |number: &usize| gone.binary_search(number).is_err();
        let entries = self.entries.iter().enumerate();
        Ok(Self {
            entries: entries
                .filter(|(number, _)| stays(number))
                .map(|(_, entry)| entry.clone())
                .collect(),
        })
    }

    /// Replaces a whole list. Prefixes that stay keep their slots.
    pub fn replace(&self, action: Action, new: Vec<NewEntry>, force: bool) -> Result<Self> {
        self.merge(action, new, force, false)
    }

    /// Merges the sorted entries with the sorted new ones. With `keep`, entries of the list that are not among the new
    /// ones stay.
    fn merge(&self, action: Action, mut new: Vec<NewEntry>, force: bool, keep: bool) -> Result<Self> {
        if let Some(all) = new.iter().find(|entry| entry.prefix.prefix_len() == 0 && !force) {
            return Err(Error::WholeInternet {
                prefix: all.prefix,
                action,
            });
        }
        sort(&mut new, |entry| entry.prefix);
        let mut entries = Vec::with_capacity(new.len() + if keep { self.len() } else { 0 });
        let (mut present, mut new) = (self.entries.iter().peekable(), new.into_iter().peekable());
        loop {
            match side_by_side(&mut present, &mut new, |entry, new| {
                key_of(entry).cmp(&key(action, new.prefix))
            }) {
                (None, None) => return Ok(Self { entries }),
                (Some(present), None) => {
                    if keep || present.action != action {
                        entries.push(present.clone());
                    }
                }
                (None, Some(new)) => entries.push(entry(action, new, None)),
                (Some(present), Some(new)) if present.action == action => {
                    entries.push(entry(action, new, present.slot));
                }
                (Some(present), Some(new)) => {
                    return Err(Error::Conflict {
                        prefix: new.prefix,
                        present: present.action,
                        kept_by: present.kept_by(),
                        wanted: action,
                    });
                }
            }
        }
    }

    /// How one list differs after a change.
    pub fn difference(&self, after: &Self, action: Action) -> Difference {
        let (mut before, mut after) = (self.list(action).peekable(), after.list(action).peekable());
        let mut difference = Difference::default();
        loop {
            match side_by_side(&mut before, &mut after, |a, b| a.prefix.cmp(&b.prefix)) {
                (None, None) => return difference,
                (Some(_), None) => difference.removed += 1,
                (before, Some(after)) => {
                    difference.total += 1;
                    difference.added += usize::from(before.is_none());
                    difference.changed += usize::from(before.is_some_and(|before| before != after));
                }
            }
        }
    }
}

/// The next elements of two sorted sequences: both if they compare equal, else the smaller one.
pub(crate) fn side_by_side<A, B>(
    a: &mut Peekable<impl Iterator<Item = A>>,
    b: &mut Peekable<impl Iterator<Item = B>>,
    compare: impl Fn(&A, &B) -> Ordering,
) -> (Option<A>, Option<B>) {
    let order = match (a.peek(), b.peek()) {
        (Some(a), Some(b)) => compare(a, b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    match order {
        Ordering::Less => (a.next(), None),
        Ordering::Greater => (None, b.next()),
        Ordering::Equal => (a.next(), b.next()),
    }
}

fn entry(action: Action, new: NewEntry, slot: Option<u32>) -> Entry {
    Entry {
        prefix: new.prefix,
        action,
        label: new.label,
        origin: new.origin,
        expires_ns: new.expires_ns.and_then(NonZeroU64::new),
        saved: new.saved,
        slot,
    }
}

#[cfg(test)]
mod tests;

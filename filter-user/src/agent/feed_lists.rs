//! The lists of feeds: from their last good copies, or from memory if a copy was lost.

use std::{path::Path, sync::Arc, time::SystemTime};

use filter_common::MAX_PREFIXES;
use ipnet::IpNet;

use super::{
    desired::Group,
    error::Result,
    removal::{Removal, Removals},
};
use crate::{
    feed::{definition::Feed, refresh::last_good, store::Store},
    model::entry::{Action, NewEntry},
    sys::signature::Signature,
};

/// How many prefixes of one IP version a filter takes.
const ROOM: usize = MAX_PREFIXES as usize;
/// How many of these a long list leaves free: for entries made by hand, and for entries in their grace period.
const SPARE: usize = ROOM / 16;

/// The lists of a configuration's feeds.
pub struct FeedLists {
    lists: Vec<FeedList>,
    store: Store,
}

struct FeedList {
    feed: Feed,
    signature: Signature,
    entries: Option<Arc<Vec<NewEntry>>>,
    fetched: Option<SystemTime>,
    /// Whether the list does not fit beside the others.
    is_left_out: bool,
}

impl FeedLists {
    /// Opens the store of last good copies; no list is read yet.
    pub fn open(state_dir: &Path) -> Result<Self> {
        Ok(Self {
            lists: Vec::new(),
            store: Store::open(state_dir)?,
        })
    }

    /// Reads the last good copies of `feeds` that have changed. Returns whether any list has.
    pub fn refresh(&mut self, feeds: &[Feed]) -> bool {
        let mut before = std::mem::take(&mut self.lists);
        let mut is_other = false;
        for feed in feeds {
            let signature = Signature::of(&self.store.path(feed));
            let same = before
                .iter()
                .position(|list| list.feed == *feed && list.signature == signature);
            if let Some(same) = same {
                self.lists.push(before.swap_remove(same));
                continue;
            }
            let list = last_good(feed, &self.store);
            let known = before
                .iter()
                .position(|list| list.feed == *feed && list.fetched.is_some());
            if let Some(known) = known
                && list.as_ref().is_none_or(|list| list.fetched.is_none())
            {
                // The copy was lost or damaged, but its list is still in memory.
                let mut list = before.swap_remove(known);
                list.save_again(&self.store);
                self.lists.push(list);
                continue;
            }
            is_other = true;
            self.lists.push(FeedList {
                feed: feed.clone(),
                signature,
                fetched: list.as_ref().and_then(|list| list.fetched),
                entries: list.map(|list| Arc::new(list.entries)),
                is_left_out: false,
            });
        }
        is_other || !before.is_empty()
    }

    /// The store of last good copies.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Leaves out lists that do not fit `beside` the other entries. The longest go first, so one list that is far too long does
    /// not cost the others. If the other entries alone are too many, no feed is at fault, and the apply says so.
    pub fn make_room<'a>(&mut self, beside: impl Iterator<Item = &'a Group>) {
        let beside = beside.map(|group| group.entries.as_slice());
        let Some(mut room) = beside.into_iter().try_fold([ROOM; 2], without) else {
            self.lists.iter_mut().for_each(|list| list.is_left_out = false);
            return;
        };
        let mut lists: Vec<&mut FeedList> = self.lists.iter_mut().collect();
        lists.sort_by_key(|list| (list.feed.action != Action::Trust, list.prefixes()));
        for list in lists {
            let entries = list.entries.as_deref().map_or(&[][..], Vec::as_slice);
            let spare = if entries.len() > SPARE { SPARE } else { 0 };
            let leaves_enough = |rest: &[usize; 2]| rest.iter().all(|rest| *rest >= spare);
            let rest = without(room, entries).filter(leaves_enough);
            if rest.is_none() && !list.is_left_out {
                log::error!("source {}: {}", list.feed.name, list.no_room());
            }
            list.is_left_out = rest.is_none();
            room = rest.unwrap_or(room);
        }
    }

    /// The desired entries from feeds.
    pub fn groups(&self) -> Vec<Group> {
        let known = self.lists.iter().filter_map(|list| {
            Some(Group {
                action: list.feed.action,
                entries: list.in_force()?.to_vec(),
            })
        });
        known.collect()
    }

    /// When entries are removed that have left their list. Entries of an unknown list stay: its copy may be lost while they are
    /// in force. So do entries of a list that does not fit.
    pub fn removals(&self) -> Removals {
        let removal = |list: &FeedList| match list.in_force() {
            Some(_) => Removal::After(list.feed.grace),
            None => Removal::Never,
        };
        let lists = self.lists.iter();
        Removals {
            feeds: lists
                .map(|list| (list.feed.origin.clone(), removal(list)))
                .collect(),
            is_trusted_list_missing: !self.missing().is_empty(),
        }
    }

    /// The trusted feeds that have never had a list, or whose list does not fit.
    pub fn missing(&self) -> Vec<&str> {
        let trusted = self.lists.iter().filter(|list| list.feed.action == Action::Trust);
        let missing = trusted.filter(|list| list.in_force().is_none());
        missing.map(|list| list.feed.name.as_str()).collect()
    }

    /// How many prefixes the list of a feed has, and when it was fetched.
    pub fn feed(&self, name: &str) -> Option<(usize, Option<SystemTime>)> {
        let list = self.named(name)?;
        Some((list.prefixes(), list.fetched))
    }

    /// Why the good list of a feed is not in force.
    pub fn left_out(&self, name: &str) -> Option<String> {
        let list = self.named(name)?;
        list.is_left_out.then(|| list.no_room())
    }

    fn named(&self, name: &str) -> Option<&FeedList> {
        self.lists.iter().find(|list| list.feed.name == name)
    }
}

/// The room for IPv4 and IPv6 prefixes that `entries` leave; `None` if they do not fit.
fn without(room: [usize; 2], entries: &[NewEntry]) -> Option<[usize; 2]> {
    let v4 = entries
        .iter()
        .filter(|entry| matches!(entry.prefix, IpNet::V4(_)))
        .count();
    Some([room[0].checked_sub(v4)?, room[1].checked_sub(entries.len() - v4)?])
}

impl FeedList {
    fn in_force(&self) -> Option<&[NewEntry]> {
        let entries = self.entries.as_ref().filter(|_| !self.is_left_out);
        entries.map(|entries| entries.as_slice())
    }

    fn prefixes(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.len())
    }

    fn no_room(&self) -> String {
        format!(
            "its {} prefixes do not fit beside all others (a filter takes {MAX_PREFIXES} of each IP version); it is left out, and \
             what is in force of it stays",
            self.prefixes()
        )
    }

    /// Makes the copy again: the next boot needs it, and the next fetched list is compared with it.
    fn save_again(&mut self, store: &Store) {
        if let (Some(entries), Some(fetched)) = (&self.entries, self.fetched)
            && let Err(error) = store.save(&self.feed, entries, fetched)
        {
            let name = &self.feed.name;
            log::warn!("{error}; {name} has no last good list until it is fetched again");
        }
        self.signature = Signature::of(&store.path(&self.feed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        feed::provider,
        model::{
            entry::{Label, Origin},
            prefix,
        },
    };

    fn entries(count: usize) -> Vec<NewEntry> {
        let entry = NewEntry {
            prefix: prefix::parse("192.0.2.0/24").unwrap(),
            label: Label::default(),
            origin: Origin::manual(),
            expires_ns: None,
            saved: true,
        };
        vec![entry; count]
    }

    /// Which lists of these lengths are left out beside this number of other entries.
    fn left_out(beside: usize, lengths: &[usize]) -> Vec<bool> {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let mut lists = FeedLists::open(directory.path()).unwrap();
        lists.lists = lengths
            .iter()
            .map(|length| FeedList {
                feed: provider::feed("qrator").unwrap(),
                signature: Signature::of(directory.path()),
                entries: Some(Arc::new(entries(*length))),
                fetched: None,
                is_left_out: false,
            })
            .collect();
        let beside = Group {
            action: Action::Trust,
            entries: entries(beside),
        };
        lists.make_room(std::iter::once(&beside));
        let left_out: Vec<bool> = lists.lists.iter().map(|list| list.is_left_out).collect();
        let stay = left_out.iter().filter(|out| !**out).count();
        assert_eq!(lists.groups().len(), stay);
        assert_eq!(lists.missing().len(), lengths.len() - stay);
        left_out
    }

    #[test]
    fn the_longest_lists_are_left_out_where_not_all_have_room() {
        let most = ROOM - SPARE;
        assert_eq!(left_out(1, &[most - 2, 1]), [false, false]);
        assert_eq!(left_out(1, &[most - 1, 1]), [true, false]);
        assert_eq!(left_out(0, &[most / 2, 3, most / 2 + 1]), [false, false, true]);
        // Short lists need not leave room for entries made by hand.
        assert_eq!(left_out(ROOM - 1, &[1, 0, 2]), [false, false, true]);
        // The other entries alone are too many.
        assert_eq!(left_out(ROOM + 1, &[1, 0]), [false, false]);
    }
}

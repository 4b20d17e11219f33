//! The lists of feeds, as their last good copies have them, and in memory where a copy was lost.

use std::{path::Path, sync::Arc, time::SystemTime};

use super::{
    signature::Signature,
    wanted::{Going, Goings, Group},
};
use crate::{
    Result,
    entry::{Action, NewEntry},
    feed::{self, Feed, store::Store},
};

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
}

impl FeedLists {
    /// None yet. Copies lie in the state directory.
    pub fn open(state_dir: &Path) -> Result<Self> {
        Ok(Self {
            lists: Vec::new(),
            store: Store::open(state_dir)?,
        })
    }

    /// Takes the last good copies of these feeds, and says whether one is another one.
    pub fn look(&mut self, feeds: &[Feed]) -> bool {
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
            let list = feed::last_good(feed, &self.store);
            let known = before
                .iter()
                .position(|list| list.feed == *feed && list.fetched.is_some());
            if let Some(known) = known
                && list.as_ref().is_none_or(|list| list.fetched.is_none())
            {
                // The copy was lost or damaged; what it had is still known.
                let mut list = before.swap_remove(known);
                list.keep_again(&self.store);
                self.lists.push(list);
                continue;
            }
            is_other = true;
            self.lists.push(FeedList {
                feed: feed.clone(),
                signature,
                fetched: list.as_ref().and_then(|list| list.fetched),
                entries: list.map(|list| Arc::new(list.entries)),
            });
        }
        is_other || !before.is_empty()
    }

    /// Where they are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What should be in the lists because of them.
    pub fn groups(&self) -> Vec<Group> {
        let known = self.lists.iter().filter_map(|list| {
            Some(Group {
                action: list.feed.action,
                entries: list.entries.as_ref()?.to_vec(),
            })
        });
        known.collect()
    }

    /// What becomes of entries that their list no longer has. Those of a list that is not known stay: the copy on disk may be
    /// lost, and the kernel still have them.
    pub fn goings(&self) -> Goings {
        let going = |list: &FeedList| match list.entries {
            Some(_) => Going::After(list.feed.grace),
            None => Going::Never,
        };
        let lists = self.lists.iter();
        Goings {
            feeds: lists
                .map(|list| (list.feed.origin.clone(), going(list)))
                .collect(),
            are_some_missing: !self.missing().is_empty(),
        }
    }

    /// The feeds of the trusted that there has never been a list of.
    pub fn missing(&self) -> Vec<&str> {
        let trusted = self.lists.iter().filter(|list| list.feed.action == Action::Trust);
        let missing = trusted.filter(|list| list.entries.is_none());
        missing.map(|list| list.feed.name.as_str()).collect()
    }

    /// Of a feed: how many prefixes its list has, and when that was fetched.
    pub fn feed(&self, name: &str) -> Option<(usize, Option<SystemTime>)> {
        let list = self.lists.iter().find(|list| list.feed.name == name)?;
        Some((
            list.entries.as_ref().map_or(0, |entries| entries.len()),
            list.fetched,
        ))
    }
}

impl FeedList {
    /// Makes its copy again: the next boot needs it, and what comes next is compared with it.
    fn keep_again(&mut self, store: &Store) {
        if let (Some(entries), Some(fetched)) = (&self.entries, self.fetched)
            && let Err(error) = store.save(&self.feed, entries, fetched)
        {
            let name = &self.feed.name;
            log::warn!("{error}; {name} has no last good list until it is fetched again");
        }
        self.signature = Signature::of(&store.path(&self.feed));
    }
}

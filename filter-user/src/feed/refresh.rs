//! Refreshes a list: fetches it, checks it against the last good one, and saves it.

use std::{collections::BTreeSet, time::SystemTime};

use ipnet::IpNet;

use super::{
    definition::Feed,
    error::{Error, Result},
    fetch::fetch,
    guard, read,
    store::{LastGoodList, Store, StoredList},
};
use crate::model::entry::{Label, NewEntry};

/// How a list changed with a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// Prefixes that were not in the list before.
    pub added: usize,
    /// Prefixes that are no longer in it.
    pub removed: usize,
    /// Prefixes that are in it.
    pub total: usize,
}

/// Fetches a list, checks it against the last good one, and saves it.
pub fn refresh(feed: &Feed, store: &Store, force: bool) -> Result<Refreshed> {
    let (entries, refreshed) = fetch_and_check(feed, store, force)?;
    store.save(feed, &entries, SystemTime::now())?;
    Ok(refreshed)
}

/// Fetches and checks a list without saving it.
pub fn compare(feed: &Feed, store: &Store, force: bool) -> Result<Refreshed> {
    fetch_and_check(feed, store, force).map(|(_, refreshed)| refreshed)
}

/// Fetches a list and checks it against the last good one.
pub fn fetch_and_check(feed: &Feed, store: &Store, force: bool) -> Result<(Vec<NewEntry>, Refreshed)> {
    let entries = fetch(feed)?;
    let before = last_stored(feed, store);
    let comparable = before
        .as_ref()
        .filter(|before| before.is_same_feed)
        .map(|before| prefixes(&before.list.entries));
    let after = prefixes(&entries);
    let refused = |refused| Error::Refused {
        name: feed.name.clone(),
        refused,
    };
    guard::check(feed.action, comparable.as_deref(), &after, force).map_err(refused)?;
    let had: BTreeSet<IpNet> = before
        .iter()
        .flat_map(|before| prefixes(&before.list.entries))
        .collect();
    let has: BTreeSet<IpNet> = after.into_iter().collect();
    let refreshed = Refreshed {
        added: has.difference(&had).count(),
        removed: had.difference(&has).count(),
        total: has.len(),
    };
    Ok((entries, refreshed))
}

/// The last good list: the copy on disk, else the built-in list, if there is one.
pub fn last_good(feed: &Feed, store: &Store) -> Option<LastGoodList> {
    last_stored(feed, store).map(|stored| stored.list)
}

fn last_stored(feed: &Feed, store: &Store) -> Option<StoredList> {
    let stored = store.load(feed).unwrap_or_else(|error| {
        log::warn!("{error}");
        None
    });
    let built_in = || {
        let prefixes = feed.built_in.iter().map(|prefix| (*prefix, Label::default()));
        let list = LastGoodList {
            entries: read::entries(feed, prefixes),
            fetched: None,
        };
        (!list.entries.is_empty()).then_some(StoredList {
            list,
            is_same_feed: true,
        })
    };
    stored.or_else(built_in)
}

fn prefixes(entries: &[NewEntry]) -> Vec<IpNet> {
    entries.iter().map(|entry| entry.prefix).collect()
}

//! Finds the prefix that decides about an address, by definition: the longest match that has not expired.

use std::net::IpAddr;

use filter_user::model::entry::Action;

use crate::oracle::config::{Config, Entry};

/// The largest number of expired prefixes that a lookup skips.
const MOST_EXPIRED: usize = 4;

/// The entry that decides about a source.
pub fn of_source(config: &Config, source: IpAddr) -> Option<&Entry> {
    longest(config, source, |action| action != Action::Retire)
}

/// The entry that retires a destination.
pub fn of_destination(config: &Config, destination: IpAddr) -> Option<&Entry> {
    longest(config, destination, |action| action == Action::Retire)
}

fn longest(config: &Config, address: IpAddr, list: impl Fn(Action) -> bool) -> Option<&Entry> {
    let matching = |entry: &&Entry| list(entry.action) && entry.prefix.contains(&address);
    let mut matching: Vec<&Entry> = config.entries.iter().filter(matching).collect();
    matching.sort_by_key(|entry| std::cmp::Reverse(entry.prefix.prefix_len()));
    let looked_at = matching.into_iter().take(MOST_EXPIRED + 1);
    looked_at.into_iter().find(|entry| !entry.expired)
}

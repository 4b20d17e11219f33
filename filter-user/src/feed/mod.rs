//! Lists that somebody else keeps: fetched at intervals, checked, and kept on disk for the next boot.
//!
//! Users call them sources. In here that word has the networks that packets come from.

pub mod dns_txt;
pub mod error;
pub mod exec;
pub mod file;
pub mod guard;
pub mod https;
pub mod provider;
pub mod read;
pub mod schedule;
pub mod store;

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use ipnet::IpNet;

pub use error::FeedError;

use crate::model::entry::{Action, Label, NewEntry, Origin};
use store::{Store, Stored};

/// Bytes of an answer at the most: room for a quarter of a million prefixes in JSON.
pub const MAX_BYTES: usize = 16 << 20;

/// A list that somebody else keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What users call it: letters, digits, `-` and `_`; the name of its copy on disk.
    pub name: String,
    /// Where its entries say that they come from: `provider:NAME` or `source:NAME`.
    pub origin: Origin,
    /// The list that its prefixes go to.
    pub action: Action,
    /// The label of prefixes that come without one.
    pub label: Label,
    /// Where it comes from.
    pub from: From,
    /// What it was when this version was made; empty where that is not known for certain.
    pub built_in: Vec<IpNet>,
    /// From one attempt to the next.
    pub interval: Duration,
    /// Up to so much is added to an interval at random.
    pub jitter: Duration,
    /// How long an attempt may take in all.
    pub timeout: Duration,
    /// How long a prefix stays that the list no longer has.
    pub grace: Duration,
}

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// It is built in, and nothing is fetched.
    BuiltIn,
    /// A web server.
    Https {
        /// Its address.
        url: String,
        /// Certificates (PEM) to trust in the place of the system's.
        ca_file: Option<PathBuf>,
        /// A form that is sent; without one, it is a GET request.
        post: Option<String>,
        /// How the answer is read.
        format: Format,
    },
    /// A file that something else writes.
    File {
        /// Its path.
        path: PathBuf,
        /// How it is read.
        format: Format,
    },
    /// TXT records with `ip4:`, `ip6:` and `include:` terms, as SPF has them (RFC 7208).
    DnsTxt {
        /// The name that is asked for.
        name: String,
        /// Who is asked; without one, those in `/etc/resolv.conf`.
        server: Option<SocketAddr>,
    },
    /// What a program prints.
    Exec {
        /// Its absolute path and its arguments.
        command: Vec<String>,
        /// How its output is read.
        format: Format,
    },
}

/// How a list is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// As a list file: a prefix a line.
    Text,
    /// Strings in a JSON document.
    Json(Vec<Selection>),
}

/// A part of a JSON document that has prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which array (RFC 6901).
    pub pointer: String,
    /// Of the objects in it, the member that is the prefix; without one, its elements are.
    pub member: Option<String>,
    /// Members that an object must have, with these values.
    pub with: Vec<(String, String)>,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// Prefixes that were not in the list before.
    pub added: usize,
    /// Prefixes that are no longer in it.
    pub removed: usize,
    /// Prefixes that are in it.
    pub total: usize,
}

/// The list as it was good last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// What is in it.
    pub entries: Vec<NewEntry>,
    /// When it was fetched; none for the one that is built in, and for one that came from somewhere else than the feed does.
    pub fetched: Option<SystemTime>,
}

/// Gets a list from where it comes. Takes no longer than the feed's time-out, or a little more.
pub fn fetch(feed: &Feed) -> Result<Vec<NewEntry>, FeedError> {
    let timeout = feed.timeout;
    let (bytes, format) = match &feed.from {
        From::BuiltIn => return Err(FeedError::BuiltIn(feed.name.clone())),
        From::Https {
            url,
            ca_file,
            post,
            format,
        } => (
            https::get(url, ca_file.as_deref(), post.as_deref(), timeout)?,
            format,
        ),
        From::File { path, format } => (file::get(path, timeout)?, format),
        From::DnsTxt { name, server } => {
            let prefixes = dns_txt::get(name, *server, timeout)?;
            return Ok(read::entries(
                feed,
                prefixes.into_iter().map(|prefix| (prefix, Label::default())),
            ));
        }
        From::Exec { command, format } => (exec::get(command, timeout)?, format),
    };
    read::read(feed, format, &bytes).map_err(FeedError::Unreadable)
}

/// Gets a list, checks it against the last good one, and keeps it.
pub fn refresh(feed: &Feed, store: &Store, force: bool) -> Result<Refreshed, FeedError> {
    let (entries, refreshed) = fetch_and_check(feed, store, force)?;
    store.save(feed, &entries, SystemTime::now())?;
    Ok(refreshed)
}

/// The same, but for keeping it.
pub fn compare(feed: &Feed, store: &Store, force: bool) -> Result<Refreshed, FeedError> {
    fetch_and_check(feed, store, force).map(|(_, refreshed)| refreshed)
}

/// Gets a list and checks it against the last good one.
pub fn fetch_and_check(
    feed: &Feed,
    store: &Store,
    force: bool,
) -> Result<(Vec<NewEntry>, Refreshed), FeedError> {
    let entries = fetch(feed)?;
    let before = known(feed, store);
    let comparable = before
        .as_ref()
        .filter(|before| before.is_same_feed)
        .map(|before| prefixes(&before.good.entries));
    let after = prefixes(&entries);
    let refused = |refused| FeedError::Refused {
        name: feed.name.clone(),
        refused,
    };
    guard::check(feed.action, comparable.as_deref(), &after, force).map_err(refused)?;
    let had: BTreeSet<IpNet> = before
        .iter()
        .flat_map(|before| prefixes(&before.good.entries))
        .collect();
    let has: BTreeSet<IpNet> = after.into_iter().collect();
    let refreshed = Refreshed {
        added: has.difference(&had).count(),
        removed: had.difference(&has).count(),
        total: has.len(),
    };
    Ok((entries, refreshed))
}

/// The list that was good last: the copy on disk, else the one that is built in, if there is one.
pub fn last_good(feed: &Feed, store: &Store) -> Option<Good> {
    known(feed, store).map(|known| known.good)
}

fn known(feed: &Feed, store: &Store) -> Option<Stored> {
    let stored = store.load(feed).unwrap_or_else(|error| {
        log::warn!("{error}");
        None
    });
    let built_in = || {
        let prefixes = feed.built_in.iter().map(|prefix| (*prefix, Label::default()));
        let good = Good {
            entries: read::entries(feed, prefixes),
            fetched: None,
        };
        (!good.entries.is_empty()).then_some(Stored {
            good,
            is_same_feed: true,
        })
    };
    stored.or_else(built_in)
}

fn prefixes(entries: &[NewEntry]) -> Vec<IpNet> {
    entries.iter().map(|entry| entry.prefix).collect()
}

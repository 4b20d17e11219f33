//! Fetched lists on disk. They are list files, so that users can read them.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use super::{definition::Feed, read};
use crate::{
    files::{
        error::{Error, Result},
        last_good::LastGood,
        lines,
    },
    model::entry::{NewEntry, Origin},
};

/// The beginning of the line that names the feed.
const FEED: &str = "# feed ";

/// The directory of fetched lists.
#[derive(Clone, Debug)]
pub struct Store {
    copies: LastGood,
}

/// The last good list of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastGoodList {
    /// The entries.
    pub entries: Vec<NewEntry>,
    /// When it was fetched. None for a built-in list, and for a list from a previous location of the feed.
    pub fetched: Option<SystemTime>,
}

/// A list on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredList {
    /// The list itself.
    pub list: LastGoodList,
    /// Whether it is from the feed's present location. Only then a prefix that is missing in a new list has been removed.
    pub is_same_feed: bool,
}

impl Store {
    /// Opens the lists in the state directory, and creates their directory if it is missing.
    pub fn open(state_dir: &Path) -> Result<Self> {
        let copies = LastGood::open(&state_dir.join("sources"))?;
        Ok(Self { copies })
    }

    /// The lists in a state directory to read from, which may be missing.
    pub fn at(state_dir: &Path) -> Self {
        let copies = LastGood::at(&state_dir.join("sources"));
        Self { copies }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.copies.directory()
    }

    /// The path of a feed's list.
    pub fn path(&self, feed: &Feed) -> PathBuf {
        self.copies.path(&file_name(feed))
    }

    /// Saves a list that was fetched at `when`.
    pub fn save(&self, feed: &Feed, entries: &[NewEntry], when: SystemTime) -> Result<()> {
        let (origin, list) = (feed.origin.as_str(), feed.action.name());
        let mut text = format!("{FEED}{origin} {list} {}\n", fingerprint(feed));
        for entry in entries {
            let _ = writeln!(text, "{} {}", entry.prefix, entry.label.as_str());
        }
        self.copies.save(&file_name(feed), text.as_bytes(), when)
    }

    /// Loads the list of a feed. A list of another feed with that name, or for another action, is none.
    pub fn load(&self, feed: &Feed) -> Result<Option<StoredList>> {
        let Some((bytes, when)) = self.copies.load(&file_name(feed))? else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&bytes);
        let first = text.lines().next().and_then(|line| line.strip_prefix(FEED));
        let said = first.and_then(|line| {
            let (origin_and_list, mark) = line.rsplit_once(' ')?;
            let (origin, list) = origin_and_list.rsplit_once(' ')?;
            Some((origin, list, mark))
        });
        let Some((origin, list, mark)) = said else {
            return Err(self.damaged(feed, "it does not say which source it is of".into()));
        };
        if (origin, list) != (feed.origin.as_str(), feed.action.name()) {
            return Ok(None);
        }
        let is_same_feed = mark == fingerprint(feed);
        let lines =
            lines::parse(&bytes, &Origin::manual()).map_err(|line| self.damaged(feed, line.to_string()))?;
        let prefixes = lines.into_iter().map(|entry| (entry.prefix, entry.label));
        Ok(Some(StoredList {
            list: LastGoodList {
                entries: read::entries(feed, prefixes),
                fetched: is_same_feed.then_some(when),
            },
            is_same_feed,
        }))
    }

    fn damaged(&self, feed: &Feed, reason: String) -> Error {
        Error::DamagedCopy {
            path: self.path(feed),
            reason,
        }
    }
}

fn file_name(feed: &Feed) -> String {
    format!("{}.list", feed.name)
}

/// Identifies the location of a feed: a list with another fingerprint is from another location.
fn fingerprint(feed: &Feed) -> String {
    let definition = format!("{:?} {:?}", feed.action, feed.location);
    let hash = Sha256::digest(definition.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

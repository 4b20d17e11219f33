//! Lists that were fetched, on disk: as list files that anybody can read who may.

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

/// How the line begins that tells which feed it was.
const FEED: &str = "# feed ";

/// Where lists are kept.
#[derive(Clone, Debug)]
pub struct Store {
    copies: LastGood,
}

/// The list as it was good last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastGoodList {
    /// What is in it.
    pub entries: Vec<NewEntry>,
    /// When it was fetched; none for the one that is built in, and for one that came from somewhere else than the feed does.
    pub fetched: Option<SystemTime>,
}

/// A list that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredList {
    /// The list.
    pub list: LastGoodList,
    /// Whether it came from where the feed comes from now: then what is missing has gone.
    pub is_same_feed: bool,
}

impl Store {
    /// The lists in the state directory, which is made if it is not there.
    pub fn open(state_dir: &Path) -> Result<Self> {
        let copies = LastGood::open(&state_dir.join("sources"))?;
        Ok(Self { copies })
    }

    /// The same for those who only look, whether or not there is such a directory.
    pub fn at(state_dir: &Path) -> Self {
        let copies = LastGood::at(&state_dir.join("sources"));
        Self { copies }
    }

    /// Where they lie.
    pub fn directory(&self) -> &Path {
        self.copies.directory()
    }

    /// Where the list of a feed lies.
    pub fn path(&self, feed: &Feed) -> PathBuf {
        self.copies.path(&file_name(feed))
    }

    /// Keeps a list that was fetched at `when`.
    pub fn save(&self, feed: &Feed, entries: &[NewEntry], when: SystemTime) -> Result<()> {
        let (origin, list) = (feed.origin.as_str(), feed.action.name());
        let mut text = format!("{FEED}{origin} {list} {}\n", fingerprint(feed));
        for entry in entries {
            let _ = writeln!(text, "{} {}", entry.prefix, entry.label.as_str());
        }
        self.copies.save(&file_name(feed), text.as_bytes(), when)
    }

    /// The list that was kept, if there is one. One of another feed of that name, or that was for another list, is none.
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

/// By which it is seen that a feed comes from somewhere else.
fn fingerprint(feed: &Feed) -> String {
    let definition = format!("{:?} {:?}", feed.action, feed.location);
    let hash = Sha256::digest(definition.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

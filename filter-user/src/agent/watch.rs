//! Tells when files may have changed. Directories are watched rather than files: editors and configuration management
//! put a new file in the place of the old one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

/// Directories that are watched.
pub struct Watch {
    watcher: RecommendedWatcher,
    /// By path: the directory that was there when it was begun.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

impl Watch {
    /// Watches nothing yet; `changed` is called from another thread.
    pub fn new(changed: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let heard = move |event: notify::Result<Event>| {
            // Whatever went wrong, something may have changed. That we read files is not among it.
            let is_change = event.map_or(true, |event| {
                matches!(
                    event.kind,
                    EventKind::Access(AccessKind::Close(AccessMode::Write))
                ) || !event.kind.is_access()
            });
            if is_change {
                changed();
            }
        };
        Ok(Self {
            watcher: notify::recommended_watcher(heard)?,
            watched: BTreeMap::new(),
        })
    }

    /// Watches these directories and no others, and returns those that cannot be, with the reason.
    pub fn set(&mut self, directories: &BTreeSet<PathBuf>) -> Vec<(PathBuf, notify::Error)> {
        let there = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
        let is_stale = |path: &PathBuf, begun: &(u64, u64)| {
            !directories.contains(path) || there(path).as_ref() != Some(begun)
        };
        let stale: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(path, begun)| is_stale(path, begun))
            .map(|(path, _)| path.clone())
            .collect();
        for path in stale {
            // One that is no longer there is no longer watched.
            let _ = self.watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        let mut failed = Vec::new();
        for path in directories {
            if self.watched.contains_key(path) {
                continue;
            }
            // What is not there yet is made in a directory that is watched.
            let Some(begun) = there(path) else {
                continue;
            };
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path.clone(), begun);
                }
                Err(error) => failed.push((path.clone(), error)),
            }
        }
        failed
    }
}

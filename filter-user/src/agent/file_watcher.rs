//! Tells when files may have changed. Directories are watched rather than files: editors and configuration management
//! put a new file in the place of the old one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

/// By what a directory is known. Its number may be another one's when it is gone, but not the time at which it was made.
type Identity = (u64, u64, Option<SystemTime>);

/// Directories that are watched, if the kernel can.
pub struct FileWatcher {
    watcher: Option<RecommendedWatcher>,
    changed: Arc<dyn Fn() + Send + Sync>,
    /// By path: the directory that was there when it was begun.
    watched: BTreeMap<PathBuf, Identity>,
    /// Those that cannot be, of which that was said.
    unwatched: BTreeSet<PathBuf>,
}

impl FileWatcher {
    /// Watches nothing yet; `changed` is called, from any thread, whenever something may have changed. Files are looked at now
    /// and then in any case.
    pub fn new(changed: impl Fn() + Send + Sync + 'static) -> Self {
        let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(changed);
        let tell = Arc::clone(&changed);
        let heard = move |event: notify::Result<Event>| {
            // Whatever went wrong, something may have changed. That we read files is not among it.
            let is_change = event.map_or(true, |event| {
                matches!(
                    event.kind,
                    EventKind::Access(AccessKind::Close(AccessMode::Write))
                ) || !event.kind.is_access()
            });
            if is_change {
                tell();
            }
        };
        let watcher = notify::recommended_watcher(heard);
        let watcher = watcher
            .inspect_err(|error| log::error!("cannot watch files: {error}; they are looked at now and then"));
        Self {
            watcher: watcher.ok(),
            changed,
            watched: BTreeMap::new(),
            unwatched: BTreeSet::new(),
        }
    }

    /// Watches these directories and no others.
    pub fn watch(&mut self, directories: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let there = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            Some((found.dev(), found.ino(), found.created().ok()))
        };
        self.watched.retain(|path, begun| {
            let stays = directories.contains(path) && there(path).as_ref() == Some(begun);
            if !stays {
                // One that is no longer there is no longer watched.
                let _ = watcher.unwatch(path);
            }
            stays
        });
        let before = self.watched.len();
        let mut unwatched = BTreeSet::new();
        for path in directories {
            if self.watched.contains_key(path) {
                continue;
            }
            // What is not there yet is made in a directory that is watched.
            let Some(begun) = there(path) else {
                continue;
            };
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path.clone(), begun);
                }
                Err(error) => {
                    if !self.unwatched.contains(path) {
                        log::warn!(
                            "cannot watch {}: {error}; it is looked at now and then",
                            path.display()
                        );
                    }
                    unwatched.insert(path.clone());
                }
            }
        }
        self.unwatched = unwatched;
        if self.watched.len() > before {
            // What is in it may have changed after it was read and before it was watched.
            (self.changed)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Receiver, RecvTimeoutError, channel},
        time::Duration,
    };

    use super::*;

    /// A watch, and what it tells.
    fn watch() -> (FileWatcher, Receiver<()>) {
        let (tell, told) = channel();
        let watcher = FileWatcher::new(move || tell.send(()).unwrap());
        (watcher, told)
    }

    #[test]
    fn a_directory_is_looked_at_once_more_when_it_is_watched() {
        let directory = tempfile::tempdir().unwrap();
        let directories = BTreeSet::from([directory.path().to_owned()]);
        let (mut watcher, told) = watch();
        watcher.watch(&directories);
        assert_eq!(told.try_recv(), Ok(()));
        // It is watched already.
        watcher.watch(&directories);
        assert_eq!(
            told.recv_timeout(Duration::from_millis(100)),
            Err(RecvTimeoutError::Timeout)
        );
        fs::write(directory.path().join("file"), "").unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()));
        // Another one in its place is another directory.
        fs::remove_dir_all(directory.path()).unwrap();
        fs::create_dir(directory.path()).unwrap();
        while told.recv_timeout(Duration::from_millis(100)).is_ok() {}
        watcher.watch(&directories);
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()));
    }
}

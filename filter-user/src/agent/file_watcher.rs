//! Watches directories for changed files. Watching the files themselves would miss editors and configuration management, which
//! replace a file by renaming a new one.

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

/// The identity of a directory: device, inode and time of creation. A new directory may get the inode of a removed one.
type Identity = (u64, u64, Option<SystemTime>);

/// Watches directories, if the kernel supports it.
pub struct FileWatcher {
    watcher: Option<RecommendedWatcher>,
    changed: Arc<dyn Fn() + Send + Sync>,
    /// The watched directories: what each path led to when the watch began.
    watched: BTreeMap<PathBuf, Identity>,
    /// The directories that cannot be watched, which has been logged.
    unwatched: BTreeSet<PathBuf>,
}

impl FileWatcher {
    /// Has nothing to watch yet. `changed` is called from any thread when a file may have changed. The periodic resync covers
    /// what cannot be watched.
    pub fn new(changed: impl Fn() + Send + Sync + 'static) -> Self {
        let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(changed);
        let report = Arc::clone(&changed);
        let handle = move |event: notify::Result<Event>| {
            // After an error, something may have changed. Our own reads are no change.
            let is_change = event.map_or(true, |event| {
                matches!(
                    event.kind,
                    EventKind::Access(AccessKind::Close(AccessMode::Write))
                ) || !event.kind.is_access()
            });
            if is_change {
                report();
            }
        };
        let watcher = notify::recommended_watcher(handle);
        let watcher = watcher
            .inspect_err(|error| log::error!("cannot watch files: {error}; they are looked at now and then"));
        Self {
            watcher: watcher.ok(),
            changed,
            watched: BTreeMap::new(),
            unwatched: BTreeSet::new(),
        }
    }

    /// Watches these directories from now on, and no others.
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
                // The kernel ends the watch of a removed directory itself, so this may fail.
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
            // A missing directory is created in another one, which is watched.
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
            // A file may have changed after it was read and before its directory was watched.
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

    /// A watcher, and the changes that it reports.
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
        // The second call starts no watch.
        watcher.watch(&directories);
        assert_eq!(
            told.recv_timeout(Duration::from_millis(100)),
            Err(RecvTimeoutError::Timeout)
        );
        fs::write(directory.path().join("file"), "").unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()));
        // A new directory at the same path is watched anew.
        fs::remove_dir_all(directory.path()).unwrap();
        fs::create_dir(directory.path()).unwrap();
        while told.recv_timeout(Duration::from_millis(100)).is_ok() {}
        watcher.watch(&directories);
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()));
    }
}

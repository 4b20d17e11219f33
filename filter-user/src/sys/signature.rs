//! Detects, without reading a file, that it has changed or is still being written.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// A file that is written in place is read after this time without writes.
pub const QUIET: Duration = Duration::from_secs(1);

/// It is read after this time in any case, even if a program keeps writing to it.
const LONGEST: Duration = Duration::from_secs(10);

/// What the kernel knows about a file without reading it. Two signatures differ if the file has changed or was
/// replaced.
///
/// Two writes within one tick of the clock have the same time. They are still noticed if the size differs, or if
/// the file was replaced by renaming, because then the inode differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(Option<Found>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    device_and_inode: (u64, u64),
    size: u64,
    /// Seconds and nanoseconds since the epoch.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Signature {
    /// The signature of the file at `path`. Symbolic links are followed. A missing file has a signature too.
    pub fn of(path: &Path) -> Self {
        let found = fs::metadata(path).ok();
        Self(found.map(|found| Found {
            device_and_inode: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }))
    }

    /// Whether the file exists.
    pub const fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Whether this is the same file as `before`, was changed, and was written within [`QUIET`]. Then the writer
    /// may not have finished. A file that was renamed into its place is another file, and is complete.
    fn is_being_written(self, before: Self) -> bool {
        let (Some(before), Some(now)) = (before.0, self.0) else {
            return false;
        };
        before != now && before.device_and_inode == now.device_and_inode && self.was_written_just_now()
    }

    /// Whether the file was written within [`QUIET`].
    pub fn was_written_just_now(self) -> bool {
        let Some(now) = self.0 else {
            return false;
        };
        let (seconds, nanoseconds) = now.modified;
        let written = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let written = written.map(|(seconds, nanoseconds)| Duration::new(seconds, nanoseconds));
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().ok();
        // A time in the future comes from a wrong clock. Such a file does not count as just written.
        let age = since_epoch
            .zip(written)
            .and_then(|(now, written)| now.checked_sub(written));
        age.is_some_and(|age| age < QUIET)
    }
}

/// When a changed file may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// After the writer has paused. Half a list may be a valid list.
    WhenQuiet,
    /// At once, because an operator asked for it.
    AtOnce,
}

/// Since when reading a file is put off because a program writes to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PutOff {
    since: Option<Instant>,
}

impl PutOff {
    /// Whether reading the file must be put off. `before` is its signature when it was last read, and `now` its
    /// current one.
    pub fn is_due(&mut self, reading: Reading, before: Signature, now: Signature) -> bool {
        if reading == Reading::WhenQuiet && now.is_being_written(before) {
            let since = self.since.get_or_insert_with(Instant::now);
            if since.elapsed() < LONGEST {
                return true;
            }
        }
        self.since = None;
        false
    }

    /// Whether reading is put off, so that the file must be looked at again soon.
    pub const fn is_going_on(self) -> bool {
        self.since.is_some()
    }
}

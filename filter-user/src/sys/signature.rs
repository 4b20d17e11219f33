//! By what it is seen that a file is another one, or is being written.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

/// A file that is written in its place is read when nobody has written to it for so long.
pub const QUIET: Duration = Duration::from_secs(1);

/// It is read after so long even if somebody writes to it again and again.
const LONGEST: Duration = Duration::from_secs(10);

/// What is known of a file without reading it; nothing of one that is not there. What was written twice within a tick of the
/// clock has another size, or another inode, since that is how files are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(Option<Found>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    device_and_inode: (u64, u64),
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Signature {
    /// Of the file at `path`, or where a symbolic link there leads.
    pub fn of(path: &Path) -> Self {
        let found = fs::metadata(path).ok();
        Self(found.map(|found| Found {
            device_and_inode: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }))
    }

    /// Whether there is a file.
    pub const fn is_there(self) -> bool {
        self.0.is_some()
    }

    /// Whether somebody has written into the very file of `before` just now, rather than put another one in its place, and may
    /// not be done.
    fn is_being_written(self, before: Self) -> bool {
        let (Some(before), Some(now)) = (before.0, self.0) else {
            return false;
        };
        before != now && before.device_and_inode == now.device_and_inode && self.was_written_just_now()
    }

    /// Whether somebody has written to it within [`QUIET`].
    pub fn was_written_just_now(self) -> bool {
        let Some(now) = self.0 else {
            return false;
        };
        let (seconds, nanoseconds) = now.modified;
        let written = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        let written = written.map(|(seconds, nanoseconds)| Duration::new(seconds, nanoseconds));
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().ok();
        // A time in the future is that of a clock that was wrong.
        let age = since_epoch
            .zip(written)
            .and_then(|(now, written)| now.checked_sub(written));
        age.is_some_and(|age| age < QUIET)
    }
}

/// When a file may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// When nobody seems to write to it: half of it may be there, and be good.
    WhenQuiet,
    /// Now, since somebody said so.
    AtOnce,
}

/// Whether, and since when, a file is not read because somebody writes to it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PutOff {
    since: Option<Instant>,
}

impl PutOff {
    /// Whether reading the file is put off that was `before` and is `now`.
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

    /// Whether another look is due soon.
    pub const fn is_going_on(self) -> bool {
        self.since.is_some()
    }
}

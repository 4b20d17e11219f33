//! Copies of the last good configuration and lists. They stand in at start-up for an original that is broken or out of
//! reach.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};

use super::error::{Error, Result};
use crate::sys::{
    error::Doing as _,
    file::{self, NotRead},
    flock::{self, Access},
    path::{LastLink, Way},
    replace,
};

/// The beginning of a copy: its kind, and the version of this first line.
const MAGIC: &str = "# synwall-copy 1";

/// A directory of copies.
#[derive(Clone, Debug)]
pub struct LastGood {
    directory: PathBuf,
}

impl LastGood {
    /// Opens a directory, and creates it if it is missing. No other user may be able to write to it.
    pub fn open(directory: &Path) -> Result<Self> {
        let copies = Self::at(directory);
        copies.make()?;
        Ok(copies)
    }

    /// A directory to read from, which may be missing.
    pub fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    fn make(&self) -> Result<()> {
        let what = || format!("cannot make the state directory {}", self.directory.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .doing(what)?;
        let way = Way::walk(&self.directory, LastLink::Follow).doing(what)?;
        way.exposed.into_iter().next().map_or(Ok(()), |exposed| {
            Err(Error::ExposedState {
                path: self.directory.clone(),
                exposed,
            })
        })
    }

    /// Locks the directory for this process until the returned file is dropped.
    pub fn lock(&self) -> Result<File> {
        let what = || format!("cannot lock {}", self.directory.display());
        let directory = File::open(&self.directory).doing(what)?;
        if flock::at_once(&directory, Access::Change).doing(what)? {
            replace::clear_unfinished(&self.directory)
                .doing(|| format!("cannot clear {}", self.directory.display()))?;
            Ok(directory)
        } else {
            Err(Error::OtherAgentsCopies {
                path: self.directory.clone(),
            })
        }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path of the copy called `name`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Saves `bytes` as the copy called `name`, with the time at which they were good. After a crash there is the old
    /// copy or the new one.
    pub fn save(&self, name: &str, bytes: &[u8], when: SystemTime) -> Result<()> {
        let path = self.path(name);
        // The directory may have been removed while the agent runs.
        self.make()?;
        let mut whole = format!("{}\n", header(bytes, when)).into_bytes();
        whole.extend_from_slice(bytes);
        Ok(replace::with(&path, 0o600, &whole)
            .doing(|| format!("cannot keep a copy as {}", path.display()))?)
    }

    /// Saves `bytes` as the copy called `name`, unless the copy has them already: that would only wear the disk.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match self.load(name) {
            Ok(Some((known, _))) if known == bytes => Ok(()),
            _ => self.save(name, bytes, SystemTime::now()),
        }
    }

    /// Loads the copy called `name`, and the time at which it was good. A copy that is not as it was written is an error.
    pub fn load(&self, name: &str) -> Result<Option<(Vec<u8>, SystemTime)>> {
        let path = self.path(name);
        let damaged = |reason: &str| Error::DamagedCopy {
            path: path.clone(),
            reason: reason.to_owned(),
        };
        let mut bytes = match file::read(&path) {
            Ok(read) => read.bytes,
            Err(NotRead::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(NotRead::Io(error)) => return Err(damaged(&error.to_string())),
            Err(NotRead::Exposed(exposed)) => {
                return Err(damaged(&format!("it can be changed by {exposed}")));
            }
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| damaged("its first line is missing"))?;
        let body = bytes.split_off(end + 1);
        bytes.truncate(end);
        let when = std::str::from_utf8(&bytes).ok().and_then(when_of);
        let when = when.ok_or_else(|| damaged("its first line is another one"))?;
        if header(&body, when).as_bytes() != bytes {
            return Err(damaged("its checksum is another one"));
        }
        Ok(Some((body, when)))
    }

    /// Loads the copy called `name`. A damaged copy is none, with a warning.
    pub fn load_if_good(&self, name: &str) -> Option<(Vec<u8>, SystemTime)> {
        self.load(name).unwrap_or_else(|error| {
            log::warn!("{error}");
            None
        })
    }
}

/// The first line of a copy. A time before the epoch counts as the epoch.
fn header(bytes: &[u8], when: SystemTime) -> String {
    let seconds = when
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let mut sum = Sha256::new();
    sum.update(seconds.to_le_bytes());
    sum.update(bytes);
    let sum: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{MAGIC} {seconds} {sum}")
}

fn when_of(header: &str) -> Option<SystemTime> {
    let seconds = header.strip_prefix(MAGIC)?.split_whitespace().next()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_kept_comes_back() {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let copies = LastGood::open(&directory.path().join("a/b")).unwrap();
        assert_eq!(copies.load("list").unwrap(), None);
        for (bytes, when) in [
            (&b"10.0.0.0/8\n"[..], at(1_700_000_000)),
            (b"", at(0)),
            (b"\n\n\xff", at(u32::MAX.into())),
        ] {
            copies.save("list", bytes, when).unwrap();
            assert_eq!(copies.load("list").unwrap(), Some((bytes.to_vec(), when)));
        }
        assert_eq!(
            fs::read_dir(copies.directory()).unwrap().count(),
            1,
            "nothing else is left"
        );
        fs::remove_file(copies.path("list")).unwrap();
        assert_eq!(copies.load("list").unwrap(), None);
    }

    #[test]
    fn what_is_kept_already_is_not_written_again() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let copies = LastGood::open(directory.path()).unwrap();
        let kept = |bytes: &[u8]| {
            copies.keep("list", bytes).unwrap();
            assert_eq!(copies.load("list").unwrap().unwrap().0, bytes);
            fs::metadata(copies.path("list")).unwrap().ino()
        };
        let first = kept(b"10.0.0.0/8\n");
        assert_eq!(kept(b"10.0.0.0/8\n"), first);
        kept(b"11.0.0.0/8\n");
        fs::write(copies.path("list"), "damaged").unwrap();
        kept(b"11.0.0.0/8\n");
    }

    #[test]
    fn what_was_left_half_written_is_cleared_by_who_has_it_alone() {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let copies = LastGood::open(directory.path()).unwrap();
        copies.keep("list", b"10.0.0.0/8\n").unwrap();
        fs::write(directory.path().join(".new-abcdef"), "10.0").unwrap();
        let lock = copies.lock().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(copies.lock().is_err());
        drop(lock);
    }

    #[test]
    fn a_copy_that_is_not_as_it_was_written_is_an_error() {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let copies = LastGood::open(directory.path()).unwrap();
        copies.save("list", b"10.0.0.0/8\n", at(1_700_000_000)).unwrap();
        let good = fs::read(copies.path("list")).unwrap();
        for length in 0..good.len() {
            fs::write(copies.path("list"), &good[..length]).unwrap();
            assert!(copies.load("list").is_err(), "{length} bytes of it");
        }
        for place in 0..good.len() {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            fs::write(copies.path("list"), &bytes).unwrap();
            assert!(copies.load("list").is_err(), "byte {place}");
        }
    }
}

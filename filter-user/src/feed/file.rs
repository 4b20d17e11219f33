//! Lists in files that other programs write. While a program writes to the file, this waits, since half a list may be a
//! valid list.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::definition::MAX_BYTES;
use crate::sys::{
    file::{self, NotRead},
    path::Exposed,
    signature::Signature,
};

/// The pause between two checks of a file that is being written.
const PAUSE: Duration = Duration::from_millis(100);

/// Why a file gave no list.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Other users can change the file.
    #[error(
        "{path} was not read, because it can be changed by {exposed}; let only root and whoever runs synwall write there"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Who can change what.
        exposed: Exposed,
    },
    /// A program is still writing to the file.
    #[error(
        "{0} was not read, since somebody is writing to it; put another file in its place when it is whole (mv)"
    )]
    BeingWritten(PathBuf),
}

/// Reads a file that was not written to just before or while it was read. Waits for that at most `timeout`.
pub fn get(path: &Path, timeout: Duration) -> Result<Vec<u8>, FileError> {
    let give_up = Instant::now() + timeout;
    loop {
        let before = Signature::of(path);
        if !before.was_written_just_now() {
            let bytes = read(path)?;
            if Signature::of(path) == before {
                return Ok(bytes);
            }
        }
        if Instant::now() + PAUSE > give_up {
            return Err(FileError::BeingWritten(path.to_owned()));
        }
        thread::sleep(PAUSE);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let read = file::read_regular(path, MAX_BYTES as u64).map_err(|why| match why {
        NotRead::Io(source) => FileError::Unreadable {
            path: path.to_owned(),
            source,
        },
        NotRead::Exposed(exposed) => FileError::Exposed {
            path: path.to_owned(),
            exposed,
        },
    })?;
    Ok(read.bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write as _};

    use super::*;

    #[test]
    fn a_list_that_is_written_line_by_line_is_read_when_it_is_whole() {
        // Not in /tmp: every user can write there, so the file would be refused.
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = directory.path().join("list");
        let mut file = File::create(&path).unwrap();
        let writing = thread::spawn(move || {
            for n in 0..20 {
                writeln!(file, "10.0.{n}.0/24").unwrap();
                thread::sleep(PAUSE);
            }
        });
        let read = get(&path, Duration::from_secs(30)).unwrap();
        writing.join().unwrap();
        assert_eq!(String::from_utf8(read).unwrap().lines().count(), 20);
    }

    #[test]
    fn one_that_is_written_all_the_time_is_given_up() {
        let directory = tempfile::tempdir_in("/var/tmp").unwrap();
        let path = directory.path().join("list");
        let mut file = File::create(&path).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let writing = thread::spawn(move || {
            while stopped.recv_timeout(PAUSE).is_err() {
                writeln!(file, "10.0.0.0/24").unwrap();
            }
        });
        let read = get(&path, Duration::from_millis(1500));
        stop.send(()).unwrap();
        writing.join().unwrap();
        assert!(matches!(read, Err(FileError::BeingWritten(_))), "{read:?}");
    }
}

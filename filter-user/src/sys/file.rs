//! Files whose content decides who gets through: read only if nobody but root and the caller could have written them.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::{
        fd::AsRawFd as _,
        unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

use super::path::{Exposed, LastLink, Way, Who};

/// The largest file that is read, in bytes. It has room for the largest list, with a label and a comment on each
/// line.
pub const MAX_BYTES: u64 = 256 << 20;

/// The content of a file, and who else could change it.
#[derive(Debug)]
pub struct TrustedFile {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// The path of the file, without symbolic links.
    pub path: PathBuf,
    /// The file or directory that a group can change, if there is one. This is allowed, because the group may be
    /// meant to edit the list.
    pub exposed: Option<Exposed>,
}

/// Why a file was not read.
#[derive(Debug)]
pub enum NotRead {
    /// Other users could have written it.
    Exposed(Exposed),
    /// It cannot be opened or read, or is too large.
    Io(io::Error),
}

impl From<io::Error> for NotRead {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a file of at most [`MAX_BYTES`]. Follows symbolic links unless another user could have planted them.
///
/// An inherited descriptor, such as `/dev/stdin` or `/dev/fd/63`, may be a pipe. It is read no matter which user
/// fills it. A named pipe blocks until somebody writes to it.
pub fn read(file: &Path) -> Result<TrustedFile, NotRead> {
    let (opened, path, exposed) = open(file, |_| Ok(()))?;
    Ok(TrustedFile {
        bytes: read_all(opened)?,
        path,
        exposed,
    })
}

/// Reads a file as [`read`] does, for callers that must not block. Refuses anything that is not a regular file, and
/// more than `most` bytes.
pub fn read_regular(file: &Path, most: u64) -> Result<TrustedFile, NotRead> {
    let (opened, path, exposed) = open(file, regular)?;
    Ok(TrustedFile {
        bytes: read_at_most(most, opened)?,
        path,
        exposed,
    })
}

fn regular(found: &Metadata) -> io::Result<()> {
    let message = "it is not a regular file";
    found
        .is_file()
        .then_some(())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Opens a file and checks who else could have written it. `should` refuses the wrong type of file before it is
/// opened for reading. Returns the open file, its path without symbolic links, and what a group can change.
fn open(
    file: &Path,
    should: impl Fn(&Metadata) -> io::Result<()>,
) -> Result<(File, PathBuf, Option<Exposed>), NotRead> {
    let Way {
        path,
        mut exposed,
        is_descriptor,
        ..
    } = Way::walk(file, LastLink::Follow)?;
    if is_descriptor {
        let is_refused = |exposed: &Exposed| !matches!(exposed.to, Who::Group(_));
        if let Some(exposed) = exposed.into_iter().find(is_refused) {
            return Err(NotRead::Exposed(exposed));
        }
        should(&fs::metadata(file)?)?;
        return Ok((File::open(file)?, file.to_owned(), None));
    }
    // Do not open it for reading yet. That could block on a pipe, or have an effect on a device.
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
    let handle = File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(&path)?;
    let found = handle.metadata()?;
    should(&found)?;
    // Every user may write to /dev/null, but reads do not return what they wrote. So ignore the write permission of
    // a character device.
    let is_device = found.file_type().is_char_device();
    let its_own = Exposed::find(&path, &found);
    exposed.extend(its_own.filter(|exposed| !is_device || matches!(exposed.to, Who::Owner(_))));
    let (group, mut refused): (Vec<_>, Vec<_>) = exposed
        .into_iter()
        .partition(|exposed| matches!(exposed.to, Who::Group(_)));
    if let Some(exposed) = refused.pop() {
        return Err(NotRead::Exposed(exposed));
    }
    // Open the file that was checked. Its path may lead to another one by now.
    let opened = File::open(format!("/proc/self/fd/{}", handle.as_raw_fd()))?;
    Ok((opened, path, group.into_iter().next_back()))
}

/// Reads to the end. Fails after [`MAX_BYTES`].
pub fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    read_at_most(MAX_BYTES, from)
}

fn read_at_most(most: u64, from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("it has more than {} MiB", most >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

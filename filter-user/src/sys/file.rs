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

/// Bytes of a file at the most: room for as many prefixes as fit, each on a line with a label and a comment.
pub const MAX_BYTES: u64 = 256 << 20;

/// A file that was read.
#[derive(Debug)]
pub struct TrustedFile {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Where it lies, without symbolic links.
    pub path: PathBuf,
    /// That a group can change it. It may be there for that.
    pub exposed: Option<Exposed>,
}

/// Why a file was not read.
#[derive(Debug)]
pub enum NotRead {
    /// Others could have written it.
    Exposed(Exposed),
    /// It cannot be read.
    Io(io::Error),
}

impl From<io::Error> for NotRead {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a file. Symbolic links are followed unless others could have planted them.
///
/// A pipe that was handed over, such as `/dev/stdin` or `/dev/fd/63`, is read whoever fills it. A named pipe is waited
/// for until somebody writes to it.
pub fn read(file: &Path) -> Result<TrustedFile, NotRead> {
    let (opened, path, exposed) = open(file, |_| Ok(()))?;
    Ok(TrustedFile {
        bytes: read_all(opened)?,
        path,
        exposed,
    })
}

/// The same for whoever cannot wait: what is no regular file, or has more than `most` bytes, is refused.
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

/// A file that may be read and is as it `should` be, where it lies without symbolic links, and that a group can change it.
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
    // Not opened for reading yet: that would wait for the writer of a pipe, and have effects on a device.
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
    let handle = File::options()
        .read(true)
        .custom_flags(flags.bits())
        .open(&path)?;
    let found = handle.metadata()?;
    should(&found)?;
    // What a character device that everybody may write to yields (/dev/null) is not what they wrote.
    let is_device = found.file_type().is_char_device();
    let its_own = Exposed::find(&path, &found);
    exposed.extend(its_own.filter(|exposed| !is_device || matches!(exposed.to, Who::Owner(_))));
    let (group, mut refused): (Vec<_>, Vec<_>) = exposed
        .into_iter()
        .partition(|exposed| matches!(exposed.to, Who::Group(_)));
    if let Some(exposed) = refused.pop() {
        return Err(NotRead::Exposed(exposed));
    }
    // The very file that was looked at, whatever its path leads to by now.
    let opened = File::open(format!("/proc/self/fd/{}", handle.as_raw_fd()))?;
    Ok((opened, path, group.into_iter().next_back()))
}

/// Reads to the end, or fails where that is too far away.
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

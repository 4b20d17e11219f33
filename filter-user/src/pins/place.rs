//! Checks where a pin directory is: on a BPF file system, and where other users cannot replace it.

use std::{
    fs::{DirBuilder, File, Metadata},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::OFlag,
    sys::statfs::{BPF_FS_MAGIC, statfs},
    unistd::geteuid,
};

use super::error::{Error, Result};
use crate::sys::{
    error::Doing as _,
    path::{LastLink, Way},
};

/// Opens a directory. Does not follow a symbolic link at the end of the path, because another user could have
/// planted it.
pub fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    File::options().read(true).custom_flags(flags.bits()).open(path)
}

/// Resolves all symbolic links of `path`. After this the path always leads to the directory that was locked, so
/// pins can be used by path.
///
/// # Errors
///
/// Fails if other users could put another directory in its place.
pub fn safe(path: &Path) -> Result<PathBuf> {
    let way = Way::walk(path, LastLink::Keep)
        .doing(|| format!("cannot look for the pin directory {}", path.display()))?;
    if way.is_descriptor {
        return Err(Error::ForeignPins {
            path: path.to_owned(),
            what: "it is a descriptor, which a later command would not find".into(),
        });
    }
    match way.exposed.first() {
        None => Ok(way.path),
        Some(exposed) => Err(Error::ForeignPins {
            path: path.to_owned(),
            what: format!("another directory could be put in its place by {exposed}"),
        }),
    }
}

/// Creates the directory and its missing parents with mode 0700. Each parent is checked with [`safe`] first.
pub fn make(path: &Path) -> Result<()> {
    let mut missing: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
    while let Some(directory) = missing.pop() {
        let directory = safe(directory)?;
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.doing(|| format!("cannot make the directory {}", directory.display()))?,
        }
    }
    Ok(())
}

/// Fails unless the directory belongs to the caller and has mode 0700. A user who can write to it can take the
/// filter off. A user who can read it can hold its lock for ever.
pub fn check_owner(path: &Path, directory: &Metadata) -> Result<()> {
    const OPEN_TO_OTHERS: u32 = 0o077;
    let (owner, mode) = (directory.uid(), directory.mode() & 0o777);
    let what = if owner != geteuid().as_raw() || mode & 0o022 != 0 {
        format!("it belongs to user {owner} and has mode {mode:o}: others could change it")
    } else if mode & OPEN_TO_OTHERS != 0 {
        let path = path.display();
        format!("it has mode {mode:o}: others could look into it and hold its lock (chmod 700 {path})")
    } else {
        return Ok(());
    };
    Err(Error::ForeignPins {
        path: path.to_owned(),
        what,
    })
}

/// Fails unless `path`, or its nearest existing parent, is on a BPF file system.
pub fn check_file_system(path: &Path) -> Result<()> {
    let nearest = path.ancestors().find(|ancestor| ancestor.exists());
    match nearest.map(statfs) {
        Some(Ok(found)) if found.filesystem_type() == BPF_FS_MAGIC => Ok(()),
        _ => Err(Error::NoBpffs {
            path: path.to_owned(),
        }),
    }
}

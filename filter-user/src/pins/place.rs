//! Where a pin directory may lie: on a BPF file system, and where nobody else can put another directory in its place.

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

/// A symbolic link could lead anywhere, and be somebody else's.
pub fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    File::options().read(true).custom_flags(flags.bits()).open(path)
}

/// The path without symbolic links, if nobody else can put another directory there. What is done by path from then on
/// is done to the directory that was locked.
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

/// Makes the directory and those above it that are missing, each in one that others cannot change.
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

/// Whoever can write to the directory can take the filter off, and whoever can read it can hold its lock for ever.
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

/// Fails unless `path`, or its nearest ancestor that exists, is on a BPF file system.
pub fn check_file_system(path: &Path) -> Result<()> {
    let nearest = path.ancestors().find(|ancestor| ancestor.exists());
    match nearest.map(statfs) {
        Some(Ok(found)) if found.filesystem_type() == BPF_FS_MAGIC => Ok(()),
        _ => Err(Error::NoBpffs {
            path: path.to_owned(),
        }),
    }
}

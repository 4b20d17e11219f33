//! The pin directory: where on the BPF file system a filter lives, who may change it, and whether what
//! lies there is ours to touch.
//!
//! bpffs reserves names with a dot, so there is none in ours.

use std::{
    fs::{self, DirBuilder, File, Metadata},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use aya::{
    maps::{Array, Map, MapData},
    programs::links::PinnedLink,
};
use filter_common::LAYOUT_VERSION;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg, OFlag},
    sys::statfs::{BPF_FS_MAGIC, statfs},
    unistd::geteuid,
};

use crate::{
    Error, Result,
    error::{Doing as _, shown},
};

/// Where a filter is kept unless told otherwise.
pub const DEFAULT: &str = "/sys/fs/bpf/synwall";

/// How long a command waits for another one to finish.
const PATIENCE: Duration = Duration::from_secs(5);

/// "synwall\0" as a number, so that a map of somebody else is not taken for ours.
const MAGIC: u64 = u64::from_le_bytes(*b"synwall\0");

/// Pinned when a new filter has everything but an interface, and removed as soon as nothing is attached any
/// more when it is taken down: without it, the directory holds half a filter.
const LAYOUT: &str = "layout";

/// Everything else that a filter pins.
const NAMES: &[&str] = &[
    "settings",
    "generation",
    "sources_v4",
    "sources_v6",
    "retired_v4",
    "retired_v6",
    "expiries",
    "prefix_counts",
    "source_sets",
    "chunks",
    "generation0",
    "generation1",
];

/// How the names of the directories of interfaces begin.
pub(crate) const INTERFACE: &str = "interface_";

#[repr(C)]
#[derive(Clone, Copy)]
struct LayoutRecord {
    magic: u64,
    version: u32,
    /// 0 until the filter has been attached for the first time.
    attached: u32,
}

// SAFETY: `#[repr(C)]`, three integers without padding.
unsafe impl aya::Pod for LayoutRecord {}

/// Whether a command only looks or also changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It looks: several may at a time.
    Read,
    /// It changes: it is alone.
    Change,
}

/// What lies in a pin directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing, or half a filter whose command was killed.
    Unfinished,
    /// A filter.
    Filter,
}

/// A pin directory, locked for as long as this lives.
#[derive(Debug)]
pub struct Pins {
    path: PathBuf,
    _lock: Flock<File>,
}

impl Pins {
    /// Opens and locks the directory at `path`.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let not_up = || Error::NotUp {
            path: path.to_owned(),
        };
        Self::lock(path, access)?.ok_or_else(not_up)
    }

    /// Makes the directory if it is not there, and opens and locks it.
    pub fn open_or_create(path: &Path) -> Result<Self> {
        // Taking down the outer one would take the inner one with it.
        if let Some(outer) = path.ancestors().skip(1).find(|outer| outer.join(LAYOUT).exists()) {
            return Err(Error::ForeignPins {
                path: path.to_owned(),
                what: format!("it would lie inside the filter {}", outer.display()),
            });
        }
        loop {
            check_file_system(path)?;
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .doing(|| format!("cannot make the directory {}", path.display()))?;
            // Another command may have removed it in between.
            if let Some(pins) = Self::lock(path, Access::Change)? {
                return Ok(pins);
            }
        }
    }

    fn lock(path: &Path, access: Access) -> Result<Option<Self>> {
        let how = match access {
            Access::Read => FlockArg::LockSharedNonblock,
            Access::Change => FlockArg::LockExclusiveNonblock,
        };
        let give_up = Instant::now() + PATIENCE;
        loop {
            let directory = match open_directory(path) {
                Ok(directory) => directory,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(source) => {
                    return Err(source).doing(|| format!("cannot open the pin directory {}", path.display()));
                }
            };
            let opened = directory
                .metadata()
                .doing(|| format!("cannot look at {}", path.display()))?;
            check_owner(path, &opened)?;
            match Flock::lock(directory, how) {
                // The directory may have been removed, and made anew, while we waited for it.
                Ok(lock) if fs::metadata(path).is_ok_and(|now| now.ino() == opened.ino()) => {
                    check_file_system(path)?;
                    return Ok(Some(Self {
                        path: path.to_owned(),
                        _lock: lock,
                    }));
                }
                Ok(_) => {}
                Err((_, Errno::EWOULDBLOCK)) if Instant::now() < give_up => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err((_, Errno::EWOULDBLOCK)) => {
                    return Err(Error::Locked {
                        path: path.to_owned(),
                        seconds: PATIENCE.as_secs(),
                    });
                }
                Err((_, errno)) => return Err(errno).doing(|| format!("cannot lock {}", path.display())),
            }
        }
    }

    /// The path of the pin called `name`.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What lies in the directory, if it is ours.
    pub fn content(&self) -> Result<Content> {
        let found = self.names()?;
        if !found.iter().any(|name| name == LAYOUT) {
            return match found.iter().find(|name| !is_ours(name)) {
                None => Ok(Content::Unfinished),
                Some(name) => Err(self.foreign(format!("'{}' lies there", shown(name)))),
            };
        }
        let layout = self.layout().ok().filter(|layout| layout.magic == MAGIC);
        match layout {
            None => Err(self.foreign(format!("its '{LAYOUT}' is another one"))),
            Some(layout) if layout.version != LAYOUT_VERSION => Err(Error::OtherLayout {
                path: self.path.clone(),
                what: format!("layout {}, this version has {LAYOUT_VERSION}", layout.version),
            }),
            Some(layout) if layout.attached != 0 || self.has_links()? => Ok(Content::Filter),
            Some(_) => Ok(Content::Unfinished),
        }
    }

    fn layout(&self) -> Result<LayoutRecord> {
        let map: Array<MapData, LayoutRecord> = self.map(LAYOUT)?;
        map.get(&0, 0).doing(|| "cannot read the layout".into())
    }

    /// Says that everything is there, and only to be attached.
    pub fn complete(&self) -> Result<()> {
        let mut map = Array::create(1, 0).doing(|| "cannot make the layout map".into())?;
        let layout = LayoutRecord {
            magic: MAGIC,
            version: LAYOUT_VERSION,
            attached: 0,
        };
        map.set(0, layout, 0).doing(|| "cannot write the layout".into())?;
        self.pin(map, LAYOUT)
    }

    /// Says that the filter has been attached: from now on it is one also while it is on no interface.
    pub(crate) fn mark_attached(&self) -> Result<()> {
        let layout = self.layout()?;
        if layout.attached != 0 {
            return Ok(());
        }
        let mut map: Array<MapData, LayoutRecord> = self.map(LAYOUT)?;
        map.set(
            0,
            LayoutRecord {
                attached: 1,
                ..layout
            },
            0,
        )
        .doing(|| "cannot write the layout".into())
    }

    /// Opens the map that is pinned as `name`.
    pub fn map<M: TryFrom<Map, Error = aya::maps::MapError>>(&self, name: impl AsRef<Path>) -> Result<M> {
        open_map(&self.join(name))
    }

    /// Pins a map as `name`, in the place of what may be there.
    pub fn pin<V: aya::Pod>(&self, map: Array<MapData, V>, name: impl AsRef<Path>) -> Result<()> {
        let path = self.join(name);
        map.pin(&path)
            .doing(|| format!("cannot pin a map as {}", path.display()))
    }

    /// Makes the directory `name`, empty.
    pub fn fresh_directory(&self, name: &str) -> Result<()> {
        self.remove_directory(name)?;
        let path = self.join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .doing(|| format!("cannot make {}", path.display()))
    }

    /// Removes the directory `name` and what is pinned in it, if it is there.
    pub fn remove_directory(&self, name: &str) -> Result<()> {
        let path = self.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.doing(|| format!("cannot remove {}", path.display())),
        }
    }

    /// Removes what a killed command left of a filter that it was setting up or taking down.
    pub(crate) fn clear(&self) -> Result<()> {
        self.remove_all(self.names()?, false)
    }

    /// Removes the directories of interfaces to which nothing was attached.
    pub(crate) fn remove_unlinked(&self) -> Result<()> {
        self.interface_directories()?
            .iter()
            .filter(|name| !self.join(name).join("link").exists())
            .try_for_each(|name| self.remove_directory(name))
    }

    /// Whether any interface has a link.
    pub(crate) fn has_links(&self) -> Result<bool> {
        Ok(self
            .interface_directories()?
            .iter()
            .any(|name| self.join(name).join("link").exists()))
    }

    /// The names of the directories of interfaces.
    pub(crate) fn interface_directories(&self) -> Result<Vec<String>> {
        let mut names = self.names()?;
        names.retain(|name| name.starts_with(INTERFACE));
        names.sort();
        Ok(names)
    }

    /// Removes what this library pins, of whatever version, and the directory with it.
    pub fn remove(self) -> Result<()> {
        let is_other = match self.content() {
            Ok(_) => false,
            Err(Error::OtherLayout { .. }) => true,
            Err(error) => return Err(error),
        };
        let names = self.names()?;
        if !is_other && let Some(name) = names.iter().find(|name| !is_ours(name)) {
            return Err(self.foreign(format!("'{}' lies there", shown(name))));
        }
        self.remove_all(names, is_other)?;
        match fs::remove_dir(&self.path) {
            // Somebody mounted the BPF file system just here.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(()),
            removed => removed.doing(|| format!("cannot remove {}", self.path.display())),
        }
    }

    fn remove_all(&self, mut names: Vec<String>, is_other_version: bool) -> Result<()> {
        // Interfaces first: nothing may filter with half of its maps gone. Then the layout, so that what is
        // left if this is killed counts as unfinished. Of another version we do not know all the names: its
        // layout is what makes the directory ours until the end.
        let layout = if is_other_version { 2 } else { 0 };
        names.sort_by_key(|name| {
            let rest = if name == LAYOUT { layout } else { 1 };
            (!name.starts_with(INTERFACE), rest)
        });
        // The kernel detaches when the last reference goes: after a pin's alone it would do so later, in a
        // worker; closing a descriptor takes effect at once.
        let links: Vec<_> = names
            .iter()
            .map(|name| PinnedLink::from_pin(self.join(name).join("link")))
            .collect();
        names.iter().try_for_each(|name| self.remove_entry(name))?;
        drop(links);
        Ok(())
    }

    fn remove_entry(&self, name: &str) -> Result<()> {
        let path = self.join(name);
        // The link first: without it, what is left of an interface is known to be left over.
        let _ = fs::remove_file(path.join("link"));
        let is_directory = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removed = if is_directory {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.doing(|| format!("cannot remove {}", path.display()))
    }

    fn names(&self) -> Result<Vec<String>> {
        let read = || -> io::Result<Vec<String>> {
            fs::read_dir(&self.path)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        };
        read().doing(|| format!("cannot read the directory {}", self.path.display()))
    }

    fn foreign(&self, what: String) -> Error {
        Error::ForeignPins {
            path: self.path.clone(),
            what,
        }
    }
}

/// A symbolic link could lead anywhere, and be somebody else's.
fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    File::options().read(true).custom_flags(flags.bits()).open(path)
}

/// Whoever can write to the directory can take the filter off.
fn check_owner(path: &Path, directory: &Metadata) -> Result<()> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let (owner, mode) = (directory.uid(), directory.mode() & 0o777);
    if owner == geteuid().as_raw() && mode & WRITABLE_BY_OTHERS == 0 {
        return Ok(());
    }
    Err(Error::ForeignPins {
        path: path.to_owned(),
        what: format!("it belongs to user {owner} and has mode {mode:o}: others could change it"),
    })
}

fn is_ours(name: &str) -> bool {
    name == LAYOUT || NAMES.contains(&name) || name.starts_with(INTERFACE)
}

/// Opens the map that is pinned at `path`.
pub(crate) fn open_map<M: TryFrom<Map, Error = aya::maps::MapError>>(path: &Path) -> Result<M> {
    MapData::from_pin(path)
        .and_then(Map::from_map_data)
        .and_then(M::try_from)
        .doing(|| format!("cannot use the map pinned as {}", path.display()))
}

/// Fails unless `path`, or its nearest ancestor that exists, is on a BPF file system.
fn check_file_system(path: &Path) -> Result<()> {
    let nearest = path.ancestors().find(|ancestor| ancestor.exists());
    match nearest.map(statfs) {
        Some(Ok(found)) if found.filesystem_type() == BPF_FS_MAGIC => Ok(()),
        _ => Err(Error::NoBpffs {
            path: path.to_owned(),
        }),
    }
}

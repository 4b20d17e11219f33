//! A pin directory: opening, locking and checking it, and opening the maps that are pinned in it.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aya::maps::{Array, Map, MapData};

use super::{
    error::{Error, Result},
    names::{AGENT, CHUNKS, INTERFACE, LAYOUT, LINK},
    place::{check_file_system, check_owner, make, open_directory, safe},
};
use crate::sys::{
    bpf::mapped::Mapped,
    error::{self as sys, Doing as _},
    flock::{self, Access},
};

/// The pin directory, if no other is named.
pub const DEFAULT: &str = "/sys/fs/bpf/synwall";

/// How long a command waits for the lock of the filter.
const PATIENCE: Duration = Duration::from_secs(5);

/// A locked pin directory. The lock is released when this is dropped.
#[derive(Debug)]
pub struct Pins {
    path: PathBuf,
    _lock: File,
}

/// The lock that makes this process's agent the only one of a filter. It ends when this is dropped.
#[derive(Debug)]
pub struct AgentLock {
    directory: File,
    path: PathBuf,
}

impl AgentLock {
    /// Whether the filter still is the one that was locked.
    pub fn holds(&self) -> bool {
        let ours = self.directory.metadata().map(|found| found.ino());
        let there = fs::metadata(&self.path).map(|found| found.ino());
        matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
    }
}

impl Pins {
    /// Opens and locks the directory at `path`.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::NotUp`] if it does not exist. Fails if others could change it, or if the lock is not
    /// free within five seconds.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let not_up = || Error::NotUp {
            path: path.to_owned(),
        };
        Self::lock(path, access)?.ok_or_else(not_up)
    }

    /// Opens and locks the directory at `path` for a change. Creates it with mode 0700 if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::open`] does, or if the directory would be inside another filter.
    pub fn open_or_create(path: &Path) -> Result<Self> {
        let path = &safe(path)?;
        // `down --all` on the outer filter would remove the inner one too.
        if let Some(outer) = path.ancestors().skip(1).find(|outer| outer.join(LAYOUT).exists()) {
            return Err(Error::ForeignPins {
                path: path.to_owned(),
                what: format!("it would lie inside the filter {}", outer.display()),
            });
        }
        loop {
            check_file_system(path)?;
            make(path)?;
            // Another command may have removed the directory since `make`.
            if let Some(pins) = Self::lock(path, Access::Change)? {
                return Ok(pins);
            }
        }
    }

    fn lock(path: &Path, access: Access) -> Result<Option<Self>> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let path = &safe(path)?;
            let directory = match open_directory(path) {
                Ok(directory) => directory,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(source) => {
                    return Err(source)
                        .doing(|| format!("cannot open the pin directory {}", path.display()))?;
                }
            };
            let opened = directory
                .metadata()
                .doing(|| format!("cannot look at {}", path.display()))?;
            check_file_system(path)?;
            check_owner(path, &opened)?;
            // Wait in the queue first, see `sys::flock`. Half a filter has no directory to queue on, and few
            // commands wait for it.
            let turn = open_directory(&path.join(CHUNKS))
                .and_then(|queue| flock::wait(&queue, Access::Change, give_up));
            let lock = flock::wait(&directory, access, give_up)
                .doing(|| format!("cannot lock {}", path.display()))?
                .ok_or_else(|| sys::Error::Locked {
                    path: path.to_owned(),
                    seconds: PATIENCE.as_secs(),
                })?;
            drop(turn);
            // While we waited, the directory may have been removed and created again. Our lock is on the old one
            // then.
            if fs::metadata(path).is_ok_and(|now| now.ino() == opened.ino()) {
                return Ok(Some(Self {
                    path: path.to_owned(),
                    _lock: lock,
                }));
            }
        }
    }

    /// The path of the pin called `name`.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The path of the pin directory, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the map that is pinned as `name`.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Map`] if the map is missing, or has another type.
    pub fn map<M: TryFrom<Map, Error = aya::maps::MapError>>(&self, name: impl AsRef<Path>) -> Result<M> {
        open_map(&self.join(name))
    }

    /// Maps the values of the array map that is pinned as `name` into memory.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Map`] if the map is missing, or if its values have another size.
    pub fn mapped<T: bytemuck::Pod>(&self, name: impl AsRef<Path>) -> Result<Mapped<T>> {
        let path = self.join(name);
        Mapped::pinned(&path).map_err(|error| unusable(&path, error))
    }

    /// Pins a map as `name`.
    ///
    /// # Errors
    ///
    /// Fails if the name is taken.
    pub fn pin<V: aya::Pod>(&self, map: Array<MapData, V>, name: impl AsRef<Path>) -> Result<()> {
        let path = self.join(name);
        Ok(map
            .pin(&path)
            .doing(|| format!("cannot pin a map as {}", path.display()))?)
    }

    /// Creates the empty directory `name`. If it exists, it is removed first.
    pub fn fresh_directory(&self, name: &str) -> Result<()> {
        self.remove_directory(name)?;
        let path = self.join(name);
        Ok(DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .doing(|| format!("cannot make {}", path.display()))?)
    }

    /// Removes the directory `name` and all that is pinned in it. It is no error if it does not exist.
    pub fn remove_directory(&self, name: &str) -> Result<()> {
        let path = self.join(name);
        let removed = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            // It is not a directory, so it is not ours. Remove it all the same.
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => Ok(result.doing(|| format!("cannot remove {}", path.display()))?),
        }
    }

    /// Locks the filter against other agents for as long as the file lives. The lock is on a directory, which bpffs has no
    /// files instead of; whoever takes the filter down removes it.
    pub fn lock_agent(&self) -> Result<AgentLock> {
        let path = self.join(AGENT);
        let what = || format!("cannot lock {} for the agent", path.display());
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.doing(what)?,
        }
        let directory = open_directory(&path).doing(what)?;
        if flock::at_once(&directory, Access::Change).doing(what)? {
            Ok(AgentLock { directory, path })
        } else {
            Err(Error::OtherAgent {
                path: self.path.clone(),
            })
        }
    }

    /// Removes the directories of interfaces without a link. A command that was killed before it attached leaves
    /// them.
    pub(crate) fn remove_unlinked(&self) -> Result<()> {
        for name in self.interface_directories()? {
            if !self.is_linked(&name)? {
                self.remove_directory(&name)?;
            }
        }
        Ok(())
    }

    /// The names of the directories of interfaces that have a link. Without a link, nothing is attached.
    pub(crate) fn linked_interfaces(&self) -> Result<Vec<String>> {
        let mut linked = Vec::new();
        for name in self.interface_directories()? {
            if self.is_linked(&name)? {
                linked.push(name);
            }
        }
        Ok(linked)
    }

    /// Whether there is a link in the directory of an interface.
    ///
    /// # Errors
    ///
    /// Fails if the directory cannot be read. The answer must not be "no" then, because directories without a link
    /// are removed.
    fn is_linked(&self, directory: &str) -> Result<bool> {
        Ok(fs::exists(self.link(directory)).doing(|| format!("cannot look for the link of {directory}"))?)
    }

    /// The path of the link of an interface.
    pub(crate) fn link(&self, directory: &str) -> PathBuf {
        self.join(directory).join(LINK)
    }

    /// The names of the directories of interfaces, in alphabetical order.
    fn interface_directories(&self) -> Result<Vec<String>> {
        let mut names = self.names()?;
        names.retain(|name| name.starts_with(INTERFACE));
        names.sort();
        Ok(names)
    }

    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let read = || -> io::Result<Vec<String>> {
            fs::read_dir(&self.path)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect()
        };
        Ok(read().doing(|| format!("cannot read the directory {}", self.path.display()))?)
    }
}

/// Opens the map that is pinned at `path`.
pub(crate) fn open_map<M: TryFrom<Map, Error = aya::maps::MapError>>(path: &Path) -> Result<M> {
    MapData::from_pin(path)
        .and_then(Map::from_map_data)
        .and_then(M::try_from)
        .map_err(|source| unusable(path, source))
}

/// The error for a pinned map that cannot be used.
pub(crate) fn unusable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Map {
        path: path.to_owned(),
        source: source.into(),
    }
}

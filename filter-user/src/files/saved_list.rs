//! The lists of `--save`: list files next to the configuration file. The command line changes them, and the agent reads
//! them.
//!
//! Users may edit them too, so every line about another prefix stays as it is. A list is replaced by renaming: a reader,
//! and a machine that loses power, has the old list or the new one.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ipnet::IpNet;

use super::{
    edit,
    error::{Error, Result},
    lines, list_file, saved,
};
use crate::{
    model::entry::{Action, NewEntry, Origin},
    sys::{
        self,
        flock::{self, Access},
        path::{LastLink, Way, Who},
        replace,
    },
    text::{escaped, shown},
};

/// How long a command waits for the lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first line of a new list.
const HEADING: &str = "# What `synwall trust|deny|retire add --save` keeps. A prefix on each line, a label behind it; # starts a comment.\n";

/// A list of `--save`. It stays locked until this is dropped.
#[derive(Debug)]
pub struct SavedList {
    /// Its path, without symbolic links.
    path: PathBuf,
    action: Action,
    /// The other lists, which may not have the same prefixes.
    others: Vec<(Action, PathBuf)>,
    /// Its text before the change; `None` if the file is missing.
    before: Option<Vec<u8>>,
    entries: Vec<NewEntry>,
    _lock: File,
}

impl SavedList {
    /// Opens the list for the configuration file at `config`, which must exist.
    pub fn open(config: &Path, action: Action) -> Result<Self> {
        let config = &std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        if !config.is_file() {
            return Err(Error::NoConfig {
                file: shown(&config.display().to_string()),
            });
        }
        let directory = saved::directory_of(config);
        let list = saved::list_of(config, action);
        let not_saved = |source| not_saved(&list, source);
        match DirBuilder::new().mode(0o755).create(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(not_saved(error)),
            _ => {}
        }
        let opened = File::open(&directory).map_err(not_saved)?;
        let lock = flock::wait(&opened, Access::Change, Instant::now() + PATIENCE).map_err(not_saved)?;
        let lock = lock.ok_or_else(|| sys::error::Error::Locked {
            path: directory.clone(),
            seconds: PATIENCE.as_secs(),
        })?;
        replace::clear_unfinished(&directory).map_err(not_saved)?;
        let way = Way::walk(&list, LastLink::Follow).map_err(not_saved)?;
        // The agent refuses a list that other users can replace.
        let refused = way
            .exposed
            .into_iter()
            .find(|exposed| !matches!(exposed.to, Who::Group(_)));
        if let Some(exposed) = refused {
            let file = escaped(&list.display().to_string());
            return Err(Error::ExposedList { file, exposed });
        }
        // Retired prefixes are destinations, the other lists are sources.
        let is_retire = |action: Action| action == Action::Retire;
        let is_other = |other: &Action| *other != action && is_retire(*other) == is_retire(action);
        let others = Action::ALL.into_iter().filter(is_other);
        let (before, entries) = match list_file::read_unattended(&list) {
            Ok(read) => (Some(read.bytes), read.entries),
            Err(Error::ListFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                (None, Vec::new())
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            path: way.path,
            action,
            others: others
                .map(|other| (other, saved::list_of(config, other)))
                .collect(),
            before,
            entries,
            _lock: lock,
        })
    }

    /// Whether the file is missing.
    pub fn is_missing(&self) -> bool {
        self.before.is_none()
    }

    /// Takes these entries for the content of a missing file. The agent keeps the previous content of a list that
    /// vanished, until the file exists again. A new file without these entries would remove them.
    pub fn stand_in(&mut self, entries: Vec<NewEntry>) {
        if self.is_missing() && !entries.is_empty() {
            self.before = Some(edit::add(HEADING.as_bytes(), &entries));
            self.entries = entries;
        }
    }

    /// Its path, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The origin of its entries, by which the agent knows them as its own.
    pub fn origin(&self) -> Origin {
        Origin::new(&format!("file:{}", self.path.display()))
    }

    /// Whether the list had a prefix when it was opened.
    pub fn has(&self, prefix: IpNet) -> bool {
        self.entries.iter().any(|entry| entry.prefix == prefix)
    }

    /// Adds entries to the file. An existing entry gets the new label.
    pub fn add(&self, entries: &[NewEntry]) -> Result<()> {
        for entry in entries {
            let (prefix, label) = (entry.prefix, entry.label.as_str());
            if prefix.prefix_len() == 0 {
                return Err(Error::WholeInternetSaved { prefix });
            }
            let read = lines::line(edit::line(entry).as_bytes());
            if !matches!(&read, Ok(Some((_, read))) if *read == entry.label) {
                return Err(Error::LabelNotSaved(shown(label)));
            }
        }
        for (other, path) in &self.others {
            let there = match list_file::read_unattended(path) {
                Ok(read) => read.entries,
                Err(Error::ListFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let there: HashSet<IpNet> = there.iter().map(|entry| entry.prefix).collect();
            if let Some(entry) = entries.iter().find(|entry| there.contains(&entry.prefix)) {
                return Err(Error::SavedElsewhere {
                    prefix: entry.prefix,
                    present: *other,
                    wanted: self.action,
                });
            }
        }
        self.write(&edit::add(
            self.before.as_deref().unwrap_or(HEADING.as_bytes()),
            entries,
        ))
    }

    /// Removes prefixes from the file. The file exists afterwards even if it is empty, since the agent keeps the content
    /// of a missing list.
    pub fn remove(&self, prefixes: &[IpNet]) -> Result<()> {
        let before = self.before.as_deref().unwrap_or(HEADING.as_bytes());
        self.write(&edit::remove(before, prefixes))
    }

    /// Restores the entries. A list that was missing is an empty file then: the agent may have read the change, and keeps
    /// the content of a missing list.
    pub fn put_back(&self) -> Result<()> {
        self.write(self.before.as_deref().unwrap_or(HEADING.as_bytes()))
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        if fs::read(&self.path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let mode = fs::metadata(&self.path).map_or(0o644, |found| found.permissions().mode() & 0o777);
        replace::with(&self.path, mode, bytes).map_err(|source| not_saved(&self.path, source))
    }
}

fn not_saved(list: &Path, source: io::Error) -> Error {
    Error::NotSaved {
        file: escaped(&list.display().to_string()),
        source,
    }
}

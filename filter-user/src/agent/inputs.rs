//! What the agent goes by, as it lies on disk: the configuration, list files, last good copies of feeds. What cannot be
//! read, or has a mistake, is left out, and what was good last stays.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    desired::{Group, merge},
    error::Result,
    feed_lists::FeedLists,
    list_files::ListFiles,
    report::Attempt,
};
use crate::{
    config::contents::Config,
    files::{last_good::LastGood, saved},
    model::{entry::Action, rules::Rules},
    sys::{
        path::{LastLink, Way},
        signature::{PutOff, Reading, Signature},
    },
};

/// The name of the configuration's last good copy.
const CONFIG: &str = "synwall.toml";

/// What the agent goes by.
pub struct Inputs {
    path: PathBuf,
    /// The configuration in force.
    pub config: Config,
    /// The one that the agent before this one had in force, if it was another one.
    pub previous: Option<Config>,
    /// How reading it goes.
    pub config_read: Attempt,
    /// The file as it was when it was read, and the lists of `saved/` that were there at the last look: they belong to it
    /// whenever they are there.
    seen: (Signature, Vec<PathBuf>),
    put_off: PutOff,
    /// List files.
    pub files: ListFiles,
    /// The lists of feeds.
    pub feeds: FeedLists,
    copies: LastGood,
    /// The text of the configuration of which there is a copy, as far as that can be.
    kept: Option<String>,
    /// Two agents with one directory would take each other's lists for their own.
    _lock: File,
}

/// What another look has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Another configuration is in force.
    pub config: bool,
    /// A list is another one.
    pub lists: bool,
}

impl Inputs {
    /// Reads everything for the first time. Where the configuration cannot be used, its last good copy is.
    pub fn read(path: &Path, state_dir: &Path) -> Result<Self> {
        let copies = LastGood::open(state_dir)?;
        let lock = copies.lock()?;
        let seen = Self::see(path);
        let previous = last_good_config(&copies, path);
        let mut config_read = Attempt::default();
        let whole = |config: Config| {
            let config = ListFiles::with_lost_by(config, &copies);
            ListFiles::read(config, &ListFiles::default(), &copies, Reading::AtOnce)
        };
        let ((config, files), previous) =
            match (Config::read(path).map_err(Into::into).and_then(whole), previous) {
                (Ok(read), previous) => {
                    config_read.succeed();
                    (read, previous)
                }
                (Err(error), Some(previous)) => {
                    log::error!("{error}; the last good configuration is in force");
                    config_read.fail(error.to_string());
                    let previous = ListFiles::with_lost_by(previous, &copies);
                    (ListFiles::read_what_can_be(previous, &copies)?, None)
                }
                (Err(error), None) => return Err(error),
            };
        let mut inputs = Self {
            path: path.to_owned(),
            previous,
            config_read,
            seen,
            put_off: PutOff::default(),
            files,
            feeds: FeedLists::open(state_dir)?,
            copies,
            kept: None,
            _lock: lock,
            config,
        };
        inputs.feeds.refresh(&inputs.config.feeds);
        Ok(inputs)
    }

    /// Looks whether something has changed since, and takes what is good of it.
    pub fn refresh(&mut self, reading: Reading) -> Changed {
        let mut changed = Changed::default();
        let now = Self::see(&self.path);
        let is_other = now != self.seen;
        self.seen.1.clone_from(&now.1);
        let waits = self.put_off.is_due(reading, self.seen.0, now.0);
        // What a refused one names may have been mended meanwhile.
        if !waits && (is_other || self.config_read.error.is_some()) {
            self.seen = now;
            changed.config = self.refresh_config(is_other, reading);
        }
        // What is saved by hand belongs to the file's place, whatever its text is by now.
        let with_saved = self.files.with_lost(self.config.clone());
        let read = |config: Config| ListFiles::read(config, &self.files, &self.copies, reading);
        // Without what is new of it, there is a last good list of each.
        let read = read(with_saved).or_else(|_| read(self.config.clone()));
        if let Ok((config, files)) = read {
            changed.lists = !files.have_entries_of(&self.files);
            (self.config, self.files) = (config, files);
        }
        changed.lists |= self.feeds.refresh(&self.config.feeds);
        changed
    }

    fn see(path: &Path) -> (Signature, Vec<PathBuf>) {
        let directory = saved::directory_of(path);
        let mut saved: Vec<PathBuf> = fs::read_dir(directory)
            .map(|found| found.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        saved.sort();
        (Signature::of(path), saved)
    }

    /// Whether another configuration is in force now. `is_other` says whether the file is another one than before.
    fn refresh_config(&mut self, is_other: bool, reading: Reading) -> bool {
        let read = Config::read(&self.path).map_err(Into::into).and_then(|config| {
            let config = self.files.with_lost(config);
            ListFiles::read(config, &self.files, &self.copies, reading)
        });
        match read {
            Ok((config, files)) => {
                self.config = config;
                self.files = files;
                self.config_read.succeed();
                self.feeds.refresh(&self.config.feeds);
                true
            }
            Err(error) => {
                let error = error.to_string();
                let is_known = self.config_read.error.as_ref() == Some(&error);
                if !is_known {
                    log::error!("{error}; the configuration of before stays in force");
                }
                if is_other || !is_known {
                    self.config_read.fail(error);
                }
                false
            }
        }
    }

    /// Keeps copies of what was read, for a day on which it cannot be. `config` says whether nothing that the configuration
    /// of before had is still to be let go: an agent that comes after this one knows by its copy whom to let go.
    pub fn keep_copies(&mut self, config: bool) {
        self.files.keep(&self.copies);
        if !config || self.kept.as_ref() == Some(&self.config.text) {
            return;
        }
        if let Err(error) = self.copies.keep(CONFIG, self.config.text.as_bytes()) {
            log::warn!(
                "{error}; after a reboot, there is no copy of the configuration if it has a mistake by then"
            );
        }
        self.kept = Some(self.config.text.clone());
    }

    /// What should be in the lists.
    pub fn desired_rules(&mut self) -> Rules {
        let typed = |action: Action| {
            let of_list = self.config.entries.iter().filter(move |(of, _)| *of == action);
            Group {
                action,
                entries: of_list.map(|(_, entry)| entry.clone()).collect(),
            }
        };
        let (typed, files) = (Vec::from(Action::ALL.map(typed)), self.files.groups());
        self.feeds.make_room(typed.iter().chain(&files));
        merge(vec![typed, files, self.feeds.groups()])
    }

    /// Whether the lists that commands save to are what they were when they were read.
    pub fn are_saved_lists_current(&self) -> bool {
        let saved = saved::directory_of(&self.path);
        Self::see(&self.path).1 == self.seen.1 && self.files.are_current_in(&saved)
    }

    /// Whether another look is due soon, since a file is being written.
    pub fn are_unsettled(&self) -> bool {
        self.put_off.is_going_on() || self.files.are_unsettled()
    }

    /// The directories in which something may change.
    pub fn directories(&self) -> BTreeSet<PathBuf> {
        let files = self.config.files.iter().map(|(_, path)| path.as_path());
        let sources = self.feeds.store().directory();
        let mut directories = BTreeSet::from([sources.to_owned(), saved::directory_of(&self.path)]);
        // Where it is made when the first list is fetched.
        directories.extend(sources.parent().map(Path::to_owned));
        for file in files.chain([self.path.as_path()]) {
            match Way::walk(file, LastLink::Follow) {
                Ok(way) => directories.extend(way.turns),
                Err(_) => directories.extend(file.parent().map(Path::to_owned)),
            }
        }
        directories
    }
}

/// The configuration that was in force last, if its copy is good.
fn last_good_config(copies: &LastGood, path: &Path) -> Option<Config> {
    let (bytes, _) = copies.load_if_good(CONFIG)?;
    let text = String::from_utf8(bytes).ok()?;
    match Config::parse(&text, path) {
        Ok(config) => Some(config),
        Err(error) => {
            log::error!("the last good copy of the configuration cannot be used either: {error}");
            None
        }
    }
}

//! The inputs of the desired state, on disk: the configuration, list files, and last good copies of feeds. An input that
//! cannot be read, or has a mistake, stays what it was when it was last good.

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

/// The inputs of the desired state.
pub struct Inputs {
    path: PathBuf,
    /// The configuration in force.
    pub config: Config,
    /// The configuration of the agent that ran before this one, unless this one has put it in force itself.
    pub previous: Option<Config>,
    /// When the configuration was read, and why a newer one is not in force.
    pub config_read: Attempt,
    /// What was there at the last look: the configuration file and the lists in `saved/`, which are part of the configuration.
    seen: (Signature, Vec<PathBuf>),
    put_off: PutOff,
    /// The list files.
    pub files: ListFiles,
    /// The lists of feeds.
    pub feeds: FeedLists,
    copies: LastGood,
    /// The configuration of which a last good copy was made, or was tried to make.
    kept: Option<String>,
    /// Two agents with one state directory would replace each other's copies.
    _lock: File,
}

/// What has changed since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Another configuration is in force.
    pub config: bool,
    /// The entries of a list are other ones.
    pub lists: bool,
}

impl Inputs {
    /// Reads the inputs on start-up. The last good copy stands in for a configuration that cannot be used.
    pub fn read(path: &Path, state_dir: &Path) -> Result<Self> {
        let copies = LastGood::open(state_dir)?;
        let lock = copies.lock()?;
        let seen = Self::see(path);
        let previous = last_good_config(&copies, path);
        let mut config_read = Attempt::default();
        let whole = |config: Config| {
            let config = ListFiles::with_lost_saved_of(config, &copies);
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
                    let previous = ListFiles::with_lost_saved_of(previous, &copies);
                    (ListFiles::read_skipping_saved(previous, &copies)?, None)
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

    /// Reads the inputs that have changed. A changed input with a mistake is left as it was.
    pub fn refresh(&mut self, reading: Reading) -> Changed {
        let mut changed = Changed::default();
        let now = Self::see(&self.path);
        let is_other = now != self.seen;
        self.seen.1.clone_from(&now.1);
        let waits = self.put_off.is_due(reading, self.seen.0, now.0);
        // A configuration may be refused for a list file that it names, and that may be mended by now.
        if !waits && (is_other || self.config_read.error.is_some()) {
            self.seen = now;
            changed.config = self.refresh_config(is_other, reading);
        }
        // Lists in `saved/` belong to the path of the configuration: they count even while its new text is refused.
        let with_saved = self.files.with_lost_saved(self.config.clone());
        let read = |config: Config| ListFiles::read(config, &self.files, &self.copies, reading);
        // Without the new lists of `saved/`, each file has a last good list.
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

    /// Returns whether another configuration is in force now. `is_other` says whether the file has changed.
    fn refresh_config(&mut self, is_other: bool, reading: Reading) -> bool {
        let read = Config::read(&self.path).map_err(Into::into).and_then(|config| {
            let config = self.files.with_lost_saved(config);
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

    /// Makes last good copies of what was read. The configuration's copy is kept until the interfaces that the new configuration
    /// has dropped are detached. If this agent ends before that, the next agent learns from the copy which to detach.
    pub fn keep_copies(&mut self, are_interfaces_dropped: bool) {
        self.files.keep(&self.copies);
        if !are_interfaces_dropped || self.kept.as_ref() == Some(&self.config.text) {
            return;
        }
        if let Err(error) = self.copies.keep(CONFIG, self.config.text.as_bytes()) {
            log::warn!(
                "{error}; after a reboot, there is no copy of the configuration if it has a mistake by then"
            );
        }
        self.kept = Some(self.config.text.clone());
    }

    /// The desired lists: entries typed into the configuration, then list files, then feeds.
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

    /// Whether the lists in `saved/` have not changed since they were read.
    pub fn are_saved_lists_current(&self) -> bool {
        let saved = saved::directory_of(&self.path);
        Self::see(&self.path).1 == self.seen.1 && self.files.are_current_in(&saved)
    }

    /// Whether an input is being written, so that it is read later.
    pub fn are_unsettled(&self) -> bool {
        self.put_off.is_going_on() || self.files.are_unsettled()
    }

    /// The directories in which an input may change.
    pub fn directories(&self) -> BTreeSet<PathBuf> {
        let files = self.config.files.iter().map(|(_, path)| path.as_path());
        let sources = self.feeds.store().directory();
        let mut directories = BTreeSet::from([sources.to_owned(), saved::directory_of(&self.path)]);
        // The first fetch creates the directory of fetched lists in its parent.
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

/// The last good copy of the configuration, if there is one and it can still be used.
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

//! What the agent goes by, as it lies on disk: the configuration, list files, last good copies of feeds. What cannot be
//! read, or has a mistake, is left out, and what was good last stays.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use sha2::{Digest as _, Sha256};

use crate::{
    Result,
    agent::{
        report::{Attempt, FileReport},
        wanted::{Going, Goings, Group, merge},
    },
    config::Config,
    entry::{Action, NewEntry, Origin},
    feed::{self, Feed, store::Store},
    last_good::LastGood,
    list_file,
    rules::Rules,
};

/// The name of the configuration's last good copy.
const CONFIG: &str = "synwall.toml";

/// A list file that is written in its place is taken when nobody has written to it for so long.
pub const QUIET: Duration = Duration::from_secs(1);

/// By which it is seen that a file is another one. What was written twice within a tick of the clock has another size, or
/// another inode, since that is how files are replaced.
type Signature = Option<[i128; 7]>;

fn signature(path: &Path) -> Signature {
    let found = fs::metadata(path).ok()?;
    Some([
        found.dev().into(),
        found.ino().into(),
        found.size().into(),
        found.mtime().into(),
        found.mtime_nsec().into(),
        found.ctime().into(),
        found.ctime_nsec().into(),
    ])
}

/// What the agent goes by.
pub struct Inputs {
    path: PathBuf,
    /// The configuration in force.
    pub config: Config,
    /// The one that the agent before this one had in force, if it was another one.
    pub former: Option<Config>,
    /// How reading it goes.
    pub reading: Attempt,
    /// What was there when it was read: the file, and the lists of `saved/`, which belong to it whenever they are there.
    seen: (Signature, Vec<PathBuf>),
    files: Files,
    feeds: Vec<FeedList>,
    copies: LastGood,
    store: Store,
}

type Files = BTreeMap<(Action, PathBuf), ListFile>;

#[derive(Clone)]
struct ListFile {
    signature: Signature,
    entries: Arc<Vec<NewEntry>>,
    error: Option<String>,
    /// It is read when it has been quiet for a while.
    is_being_written: bool,
}

struct FeedList {
    feed: Feed,
    signature: Signature,
    entries: Option<Arc<Vec<NewEntry>>>,
    fetched: Option<SystemTime>,
}

/// What another look has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Another configuration is in force.
    pub config: bool,
    /// A list is another one.
    pub lists: bool,
}

impl Inputs {
    /// Reads everything for the first time. Where the configuration cannot be used, its last good copy is.
    pub fn read(path: &Path, state_dir: &Path) -> Result<Self> {
        let copies = LastGood::open(state_dir)?;
        let seen = Self::see(path);
        let former = last_good_config(&copies, path);
        let mut reading = Attempt::default();
        let whole = |config: Config| {
            let files = read_files(&config, &Files::new(), &copies)?;
            Ok((config, files))
        };
        let ((config, files), former) = match (Config::read(path).and_then(whole), former) {
            (Ok(read), former) => {
                reading.succeed();
                (read, former)
            }
            (Err(error), Some(former)) => {
                log::error!("{error}; the last good configuration is in force");
                reading.fail(error.to_string());
                (whole(former)?, None)
            }
            (Err(error), None) => return Err(error),
        };
        let mut inputs = Self {
            path: path.to_owned(),
            former,
            reading,
            seen,
            files,
            feeds: Vec::new(),
            copies,
            store: Store::open(state_dir)?,
            config,
        };
        inputs.look_at_feeds();
        if inputs.reading.error.is_none() {
            inputs.keep_config();
        }
        Ok(inputs)
    }

    /// Looks whether something has changed since, and takes what is good of it.
    pub fn look(&mut self) -> Found {
        let mut found = Found::default();
        let now = Self::see(&self.path);
        // What a refused one names may have been mended meanwhile.
        if now != self.seen || self.reading.error.is_some() {
            self.seen = now;
            found.config = self.look_at_config();
        }
        let entries =
            |files: &Files| -> Vec<_> { files.values().map(|file| Arc::clone(&file.entries)).collect() };
        let before = entries(&self.files);
        // No file is new, so none is without a last good list.
        if let Ok(files) = read_files(&self.config, &self.files, &self.copies) {
            self.files = files;
        }
        found.lists = before != entries(&self.files);
        found.lists |= self.look_at_feeds();
        found
    }

    fn see(path: &Path) -> (Signature, Vec<PathBuf>) {
        let directory = Config::saved_dir_of(path);
        let mut saved: Vec<PathBuf> = fs::read_dir(directory)
            .map(|found| found.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        saved.sort();
        (signature(path), saved)
    }

    /// Whether another configuration is in force now.
    fn look_at_config(&mut self) -> bool {
        let read = Config::read(&self.path).and_then(|config| {
            let files = read_files(&config, &self.files, &self.copies)?;
            Ok((config, files))
        });
        match read {
            Ok((config, files)) => {
                self.config = config;
                self.files = files;
                self.reading.succeed();
                self.look_at_feeds();
                self.keep_config();
                true
            }
            Err(error) => {
                let error = error.to_string();
                if self.reading.error.as_ref() != Some(&error) {
                    log::error!("{error}; the configuration of before stays in force");
                }
                self.reading.fail(error);
                false
            }
        }
    }

    /// Takes the last good copies of feeds, and says whether one is another one.
    fn look_at_feeds(&mut self) -> bool {
        let mut before = std::mem::take(&mut self.feeds);
        let mut is_other = false;
        for feed in &self.config.feeds {
            let signature = signature(&self.store.path(feed));
            let same = before
                .iter()
                .position(|list| list.feed == *feed && list.signature == signature);
            if let Some(same) = same {
                self.feeds.push(before.swap_remove(same));
                continue;
            }
            let list = feed::last_good(feed, &self.store);
            let known = before
                .iter()
                .position(|list| list.feed == *feed && list.fetched.is_some());
            if let Some(known) = known
                && list.as_ref().is_none_or(|list| list.fetched.is_none())
            {
                // The copy was lost or damaged; what it had is still known.
                let mut list = before.swap_remove(known);
                list.signature = keep_again(&list, &self.store);
                self.feeds.push(list);
                continue;
            }
            is_other = true;
            self.feeds.push(FeedList {
                feed: feed.clone(),
                signature,
                fetched: list.as_ref().and_then(|list| list.fetched),
                entries: list.map(|list| Arc::new(list.entries)),
            });
        }
        is_other || !before.is_empty()
    }

    fn keep_config(&self) {
        if let Err(error) = self
            .copies
            .save(CONFIG, self.config.text.as_bytes(), SystemTime::now())
        {
            log::warn!(
                "{error}; after a reboot, there is no copy of the configuration if it has a mistake by then"
            );
        }
    }

    /// Where lists are kept that are fetched.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What should be in the lists.
    pub fn wanted(&self) -> Rules {
        let group = |action, entries: &[NewEntry]| Group {
            action,
            entries: entries.to_vec(),
        };
        let typed = |action: Action| {
            let of_list = self.config.entries.iter().filter(move |(of, _)| *of == action);
            Group {
                action,
                entries: of_list.map(|(_, entry)| entry.clone()).collect(),
            }
        };
        let files = self.files.iter();
        let feeds = self
            .feeds
            .iter()
            .filter_map(|list| Some((list.feed.action, list.entries.as_ref()?)));
        merge(vec![
            Action::ALL.map(typed).into(),
            files
                .map(|((action, _), file)| group(*action, &file.entries))
                .collect(),
            feeds.map(|(action, entries)| group(action, entries)).collect(),
        ])
    }

    /// What becomes of entries that their list no longer has. Those of a list that is not known stay: the copy on disk may be
    /// lost, and the kernel still have them.
    pub fn goings(&self) -> Goings {
        let going = |list: &FeedList| match list.entries {
            Some(_) => Going::After(list.feed.grace),
            None => Going::Never,
        };
        let lists = self.feeds.iter();
        Goings {
            feeds: lists
                .map(|list| (list.feed.origin.clone(), going(list)))
                .collect(),
            are_some_missing: !self.missing().is_empty(),
        }
    }

    /// The feeds of the trusted that there has never been a list of.
    pub fn missing(&self) -> Vec<&str> {
        let trusted = self.feeds.iter().filter(|list| list.feed.action == Action::Trust);
        let missing = trusted.filter(|list| list.entries.is_none());
        missing.map(|list| list.feed.name.as_str()).collect()
    }

    /// Of a feed: how many prefixes its list has, and when that was fetched.
    pub fn feed(&self, name: &str) -> Option<(usize, Option<SystemTime>)> {
        let list = self.feeds.iter().find(|list| list.feed.name == name)?;
        Some((
            list.entries.as_ref().map_or(0, |entries| entries.len()),
            list.fetched,
        ))
    }

    /// What there is to say about list files.
    pub fn file_reports(&self) -> Vec<FileReport> {
        self.files
            .iter()
            .map(|((action, path), file)| FileReport {
                list: *action,
                path: path.clone(),
                prefixes: file.entries.len(),
                error: file.error.clone(),
            })
            .collect()
    }

    /// Whether another look is due soon, since a list file is being written.
    pub fn is_unsettled(&self) -> bool {
        self.files.values().any(|file| file.is_being_written)
    }

    /// The directories in which something may change.
    pub fn directories(&self) -> BTreeSet<PathBuf> {
        let files = self.config.files.iter().map(|(_, path)| path.as_path());
        let sources = self.store.directory();
        let mut directories = BTreeSet::from([sources.to_owned(), Config::saved_dir_of(&self.path)]);
        // Where it is made when the first list is fetched.
        directories.extend(sources.parent().map(Path::to_owned));
        for file in files.chain([self.path.as_path()]) {
            directories.extend(file.parent().map(Path::to_owned));
            // Where a symbolic link leads, something may change, too.
            if let Ok(real) = fs::canonicalize(file) {
                directories.extend(real.parent().map(Path::to_owned));
            }
        }
        directories
    }
}

/// Makes the copy of a list again: the next boot needs it, and what comes next is compared with it.
fn keep_again(list: &FeedList, store: &Store) -> Signature {
    if let (Some(entries), Some(fetched)) = (&list.entries, list.fetched)
        && let Err(error) = store.save(&list.feed, entries, fetched)
    {
        log::warn!(
            "{error}; {} has no last good list until it is fetched again",
            list.feed.name
        );
    }
    signature(&store.path(&list.feed))
}

/// The list files of a configuration. One that cannot be read now is what it was; fails if that is not known.
fn read_files(config: &Config, before: &Files, copies: &LastGood) -> Result<Files> {
    let read = |(action, path): &(Action, PathBuf)| {
        let key = (*action, path.clone());
        let file = read_file(path, before.get(&key), copies)?;
        Ok((key, file))
    };
    config.files.iter().map(read).collect()
}

fn read_file(path: &Path, before: Option<&ListFile>, copies: &LastGood) -> Result<ListFile> {
    let signature = signature(path);
    if let Some(before) = before {
        let is_same = before.signature == signature && signature.is_some() && before.error.is_none();
        if is_same {
            return Ok(ListFile {
                is_being_written: false,
                ..before.clone()
            });
        }
        if is_being_written(before.signature, signature) {
            return Ok(ListFile {
                is_being_written: true,
                ..before.clone()
            });
        }
    }
    let error = match list_file::read_unattended(path) {
        Ok(list) => {
            if let Some(exposed) = &list.exposed {
                log::warn!("the list {} can be changed by {exposed}", path.display());
            }
            if let Err(error) = copies.save(&copy_name(path), &list.bytes, SystemTime::now()) {
                log::warn!(
                    "{error}; after a reboot, an older copy of {} may be used if it is missing",
                    path.display()
                );
            }
            return Ok(ListFile {
                signature,
                entries: Arc::new(list.entries),
                error: None,
                is_being_written: false,
            });
        }
        Err(error) => error,
    };
    let entries = match before {
        Some(before) => Arc::clone(&before.entries),
        None => match last_good_list(path, copies) {
            Some(entries) => entries,
            None => return Err(error),
        },
    };
    let error = error.to_string();
    if before.is_none_or(|before| before.error.as_ref() != Some(&error)) {
        log::error!("{error}; the list of before stays in force");
    }
    Ok(ListFile {
        signature,
        entries,
        error: Some(error),
        is_being_written: false,
    })
}

/// Whether somebody writes into the very file that was there, rather than to put another one in its place, and may not be
/// done. A time in the future is that of a clock that was wrong.
fn is_being_written(before: Signature, now: Signature) -> bool {
    let (Some(before), Some(now)) = (before, now) else {
        return false;
    };
    let [device, inode, _, seconds, nanoseconds, ..] = now;
    if before == now || [device, inode] != before[..2] {
        return false;
    }
    let written = u64::try_from(seconds).unwrap_or(0);
    let written = Duration::new(written, u32::try_from(nanoseconds).unwrap_or(0));
    let age = SystemTime::UNIX_EPOCH
        .elapsed()
        .ok()
        .and_then(|now| now.checked_sub(written));
    age.is_some_and(|age| age < QUIET)
}

fn last_good_list(path: &Path, copies: &LastGood) -> Option<Arc<Vec<NewEntry>>> {
    let (bytes, _) = good(copies.load(&copy_name(path)))?;
    let origin = Origin::new(&format!("file:{}", path.display()));
    list_file::parse(&bytes, &origin).ok().map(Arc::new)
}

fn last_good_config(copies: &LastGood, path: &Path) -> Option<Config> {
    let (bytes, _) = good(copies.load(CONFIG))?;
    let text = String::from_utf8(bytes).ok()?;
    match Config::parse(&text, path) {
        Ok(config) => Some(config),
        Err(error) => {
            log::error!("the last good copy of the configuration cannot be used either: {error}");
            None
        }
    }
}

/// A copy, if there is one that is as it was written.
fn good<T>(loaded: Result<Option<T>>) -> Option<T> {
    loaded.unwrap_or_else(|error| {
        log::warn!("{error}");
        None
    })
}

/// The name of a list file's last good copy: no two paths share one.
fn copy_name(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("list-{short}")
}

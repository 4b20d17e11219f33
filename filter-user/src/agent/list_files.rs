//! List files on disk. A file that cannot be read keeps its last good list, from memory or from its last good copy.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};

use super::{desired::Group, error::Result, report::FileReport};
use crate::{
    config::contents::Config,
    files::{
        last_good::LastGood,
        lines, list_file,
        saved::{self, SAVED},
    },
    model::entry::{Action, NewEntry, Origin},
    sys::signature::{PutOff, Reading, Signature},
};

/// The list files of a configuration.
#[derive(Default)]
pub struct ListFiles {
    files: BTreeMap<(Action, PathBuf), ListFile>,
}

#[derive(Clone)]
struct ListFile {
    signature: Signature,
    entries: Arc<Vec<NewEntry>>,
    /// The bytes of the file, until a last good copy is made of them.
    unkept: Option<Arc<Vec<u8>>>,
    error: Option<String>,
    put_off: PutOff,
}

impl ListFiles {
    /// Reads the list files of a configuration that have changed since `before`. Fails if a file cannot be read and has no last
    /// good list.
    pub fn read(
        config: Config,
        before: &Self,
        copies: &LastGood,
        reading: Reading,
    ) -> Result<(Config, Self)> {
        let read = |(action, path): &(Action, PathBuf)| {
            let key = (*action, path.clone());
            let file = read_file(path, before.files.get(&key), copies, reading)?;
            Ok((key, file))
        };
        let files = config.files.iter().map(read).collect::<Result<_>>()?;
        Ok((config, Self { files }))
    }

    /// On start-up, skips unreadable `--save` lists, so that one bad file cannot block a valid configuration.
    pub fn read_skipping_saved(mut config: Config, copies: &LastGood) -> Result<(Config, Self)> {
        let saved = saved::directory_of(&config.path);
        let mut files = BTreeMap::new();
        for key in std::mem::take(&mut config.files) {
            match read_file(&key.1, None, copies, Reading::AtOnce) {
                Ok(file) => {
                    config.files.push(key.clone());
                    files.insert(key, file);
                }
                Err(error) if key.1.parent() == Some(&saved) => {
                    log::error!("{error}; there is no copy of it either, so it is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((config, Self { files }))
    }

    /// Adds `--save` lists that had entries and whose files are gone: a lost file does not empty its list. To empty a list, an
    /// operator empties its file.
    pub fn with_lost_saved(&self, config: Config) -> Config {
        config.with_saved_or(|file| {
            self.files
                .get(file)
                .is_some_and(|known| !known.entries.is_empty())
        })
    }

    /// As [`Self::with_lost_saved`] on start-up, when only the last good copies tell which lists had entries.
    pub fn with_lost_saved_of(config: Config, copies: &LastGood) -> Config {
        config.with_saved_or(|(_, path)| {
            last_good_list(path, copies).is_some_and(|entries| !entries.is_empty())
        })
    }

    /// Makes last good copies of the files that were read since the last call.
    pub fn keep(&mut self, copies: &LastGood) {
        for ((_, path), file) in &mut self.files {
            if let Some(bytes) = file.unkept.take()
                && let Err(error) = copies.keep(&copy_name(path), &bytes)
            {
                log::warn!(
                    "{error}; after a reboot, an older copy of {} may be used if it is missing",
                    path.display()
                );
            }
        }
    }

    /// Whether both have the same entries.
    pub fn have_entries_of(&self, other: &Self) -> bool {
        let entries = |files: &Self| -> Vec<_> {
            let files = files.files.values();
            files.map(|file| Arc::clone(&file.entries)).collect()
        };
        entries(self) == entries(other)
    }

    /// The desired entries from list files.
    pub fn groups(&self) -> Vec<Group> {
        let files = self.files.iter();
        files
            .map(|((action, _), file)| Group {
                action: *action,
                entries: file.entries.to_vec(),
            })
            .collect()
    }

    /// Whether the files in `directory` have not changed since they were read.
    pub fn are_current_in(&self, directory: &Path) -> bool {
        let mut files = self.files.iter();
        files.all(|((_, path), file)| {
            path.parent() != Some(directory) || Signature::of(path) == file.signature
        })
    }

    /// Whether a file is being written, so that it is read later.
    pub fn are_unsettled(&self) -> bool {
        self.files.values().any(|file| file.put_off.is_going_on())
    }

    /// A report on each file.
    pub fn reports(&self) -> Vec<FileReport> {
        let files = self.files.iter();
        files
            .map(|((action, path), file)| FileReport {
                list: *action,
                path: path.clone(),
                prefixes: file.entries.len(),
                error: file.error.clone(),
            })
            .collect()
    }
}

fn read_file(
    path: &Path,
    before: Option<&ListFile>,
    copies: &LastGood,
    reading: Reading,
) -> Result<ListFile> {
    let signature = Signature::of(path);
    if let Some(before) = before {
        let is_same = before.signature == signature && signature.is_there() && before.error.is_none();
        let mut put_off = before.put_off;
        if put_off.is_due(reading, before.signature, signature) || is_same {
            return Ok(ListFile {
                put_off,
                ..before.clone()
            });
        }
    }
    let error = match list_file::read_unattended(path) {
        Ok(list) => {
            if let Some(exposed) = &list.exposed {
                log::warn!("the list {} can be changed by {exposed}", path.display());
            }
            return Ok(ListFile {
                signature,
                entries: Arc::new(list.entries),
                unkept: Some(Arc::new(list.bytes)),
                error: None,
                put_off: PutOff::default(),
            });
        }
        Err(error) => error,
    };
    let entries = match before {
        Some(before) => Arc::clone(&before.entries),
        None => match last_good_list(path, copies) {
            Some(entries) => entries,
            None => return Err(error.into()),
        },
    };
    let error = error.to_string();
    if before.is_none_or(|before| before.error.as_ref() != Some(&error)) {
        let is_saved = path.parent().is_some_and(|directory| directory.ends_with(SAVED));
        let to_empty_it = if is_saved && !signature.is_there() {
            " (if nothing of it is meant any more, put an empty file there)"
        } else {
            ""
        };
        log::error!("{error}; the list of before stays in force{to_empty_it}");
    }
    Ok(ListFile {
        signature,
        entries,
        unkept: None,
        error: Some(error),
        put_off: PutOff::default(),
    })
}

fn last_good_list(path: &Path, copies: &LastGood) -> Option<Arc<Vec<NewEntry>>> {
    let (bytes, _) = copies.load_if_good(&copy_name(path))?;
    let origin = Origin::new(&format!("file:{}", path.display()));
    lines::parse(&bytes, &origin).ok().map(Arc::new)
}

/// The name of a list file's last good copy. Each path has its own.
fn copy_name(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("list-{short}")
}

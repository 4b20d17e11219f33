//! The lists of `--save`: list files beside the configuration file that the command line changes and the agent reads.
//!
//! People may edit them, too: every line that is not about a prefix in question stays as it is. A list is replaced by
//! renaming, so that whoever reads it, and a machine that loses power, has the old one or the new one.

use std::{
    collections::HashSet,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ipnet::IpNet;

use crate::{
    Error, Result,
    config::Config,
    error::{escaped, shown},
    files::list_file,
    model::entry::{Action, NewEntry, Origin},
    pins::directory::Access,
    sys::{
        flock,
        path::{LastLink, Way, Who},
    },
};

/// How long a command waits for another one to finish.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a new list begins with.
const HEADING: &str = "# What `synwall trust|deny|retire add --save` keeps. A prefix on each line, a label behind it; # starts a comment.\n";

/// A list of `--save`, locked for as long as this lives.
#[derive(Debug)]
pub struct SavedList {
    /// Where it lies, without symbolic links.
    path: PathBuf,
    action: Action,
    /// The lists that may not have the same prefixes.
    others: Vec<(Action, PathBuf)>,
    /// What it was before it was changed, or should have been; `None` if it was not there.
    before: Option<Vec<u8>>,
    entries: Vec<NewEntry>,
    _lock: File,
}

impl SavedList {
    /// Opens the list beside the configuration file at `config`, which must be there.
    pub fn open(config: &Path, action: Action) -> Result<Self> {
        let config = &std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        if !config.is_file() {
            return Err(Error::NoConfig {
                file: shown(&config.display().to_string()),
            });
        }
        let directory = Config::saved_dir_of(config);
        let list = Config::saved_list(config, action);
        let not_saved = |source| not_saved(&list, source);
        match DirBuilder::new().mode(0o755).create(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(not_saved(error)),
            _ => {}
        }
        let opened = File::open(&directory).map_err(not_saved)?;
        let lock = flock::wait(&opened, Access::Change, Instant::now() + PATIENCE).map_err(not_saved)?;
        let lock = lock.ok_or_else(|| Error::Locked {
            path: directory.clone(),
            seconds: PATIENCE.as_secs(),
        })?;
        let way = Way::walk(&list, LastLink::Follow).map_err(not_saved)?;
        // Where others could put another list in the place of this one, nobody would read it.
        let refused = way
            .exposed
            .into_iter()
            .find(|exposed| !matches!(exposed.to, Who::Group(_)));
        if let Some(exposed) = refused {
            let file = escaped(&list.display().to_string());
            return Err(Error::ExposedList { file, exposed });
        }
        // Retired prefixes are destinations, the others sources.
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
                .map(|other| (other, Config::saved_list(config, other)))
                .collect(),
            before,
            entries,
            _lock: lock,
        })
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        self.before.is_none()
    }

    /// Takes entries for those of the file that is missing: the agent holds on to what a list had that vanished, and would take
    /// a new one without them for what is meant from now on.
    pub fn stand_in(&mut self, entries: Vec<NewEntry>) {
        if self.is_missing() && !entries.is_empty() {
            self.before = Some(with(HEADING.as_bytes(), &entries));
            self.entries = entries;
        }
    }

    /// Where it lies, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its entries say that they come from, so that the agent knows them as its own.
    pub fn origin(&self) -> Origin {
        Origin::new(&format!("file:{}", self.path.display()))
    }

    /// Whether a prefix was in it when it was opened.
    pub fn has(&self, prefix: IpNet) -> bool {
        self.entries.iter().any(|entry| entry.prefix == prefix)
    }

    /// Writes entries into it; those that are there already take the new label.
    pub fn add(&self, entries: &[NewEntry]) -> Result<()> {
        for entry in entries {
            let (prefix, label) = (entry.prefix, entry.label.as_str());
            if prefix.prefix_len() == 0 {
                return Err(Error::WholeInternetSaved { prefix });
            }
            let read = list_file::line(line(entry).as_bytes());
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
        self.write(&with(
            self.before.as_deref().unwrap_or(HEADING.as_bytes()),
            entries,
        ))
    }

    /// Takes prefixes out of it, those that are there. There is a list afterwards, since the agent holds on to one that
    /// vanished.
    pub fn remove(&self, prefixes: &[IpNet]) -> Result<()> {
        let before = self.before.as_deref().unwrap_or(HEADING.as_bytes());
        self.write(&without(before, prefixes))
    }

    /// Gives it the entries that it had. A list that was not there is empty then: the agent may have read what is taken back,
    /// and holds on to a list that vanishes.
    pub fn put_back(&self) -> Result<()> {
        self.write(self.before.as_deref().unwrap_or(HEADING.as_bytes()))
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        if fs::read(&self.path).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        replace(&self.path, bytes).map_err(|source| not_saved(&self.path, source))
    }
}

fn not_saved(list: &Path, source: io::Error) -> Error {
    Error::NotSaved {
        file: escaped(&list.display().to_string()),
        source,
    }
}

/// The line for an entry.
fn line(entry: &NewEntry) -> String {
    format!("{} {}", entry.prefix, entry.label.as_str())
        .trim_end()
        .to_owned()
}

/// Lines with their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// The prefix on a line, if there is one.
fn prefix_on(line: &[u8], number: usize) -> Option<IpNet> {
    let line = if number == 0 {
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
    } else {
        line
    };
    Some(list_file::line(line).ok()??.0)
}

/// A list with entries in it, each on the line that it has, or on a new one.
fn with(text: &[u8], entries: &[NewEntry]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len() + 64 * entries.len());
    let mut missing: Vec<&NewEntry> = entries.iter().collect();
    for (number, old) in lines(text).enumerate() {
        let entry =
            prefix_on(old, number).and_then(|prefix| entries.iter().find(|entry| entry.prefix == prefix));
        let Some(entry) = entry else {
            result.extend_from_slice(old);
            continue;
        };
        missing.retain(|other| other.prefix != entry.prefix);
        let label = list_file::line(old).ok().flatten().map(|(_, label)| label);
        if label.as_ref() == Some(&entry.label) {
            result.extend_from_slice(old);
        } else {
            result.extend_from_slice(line(entry).as_bytes());
            result.extend_from_slice(tail(old));
        }
    }
    if !result.is_empty() && !result.ends_with(b"\n") {
        result.push(b'\n');
    }
    let mut written = HashSet::new();
    for entry in missing {
        if written.insert(entry.prefix) {
            result.extend_from_slice(line(entry).as_bytes());
            result.push(b'\n');
        }
    }
    result
}

/// The comment of a line, and its end.
fn tail(line: &[u8]) -> &[u8] {
    let is_before = |at: usize| {
        line[..at]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    };
    let end = line.iter().position(|byte| *byte == b'#').unwrap_or(line.len());
    &line[end - is_before(end)..]
}

/// A list without prefixes.
fn without(text: &[u8], prefixes: &[IpNet]) -> Vec<u8> {
    let goes = |(number, line): &(usize, &[u8])| {
        prefix_on(line, *number).is_some_and(|prefix| prefixes.contains(&prefix))
    };
    let stays = lines(text).enumerate().filter(|line| !goes(line));
    stays.flat_map(|(_, line)| line).copied().collect()
}

/// Puts a file with these bytes at `path`, or fails and leaves there what was there.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let mode = fs::metadata(path).map_or(0o644, |found| found.permissions().mode() & 0o777);
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".new");
    let beside = directory.join(beside);
    // A command that was killed may have left it. Nobody else writes here: we have the lock.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| {
        // The first error tells why.
        let _ = fs::remove_file(&beside);
    })?;
    // So that the new name outlives a loss of power. Where the file system cannot say, it is as good as it gets.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> NewEntry {
        text.parse().unwrap()
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    const LIST: &str =
        "# office\r\n10.0.0.0/8 office # theirs\r\n\n  11.0.0.0/8\n10.0.0.0/8 office\nno prefix";

    #[test]
    fn lines_that_are_not_meant_stay_as_they_are() {
        let with = text(with(
            LIST.as_bytes(),
            &[
                entry("12.0.0.0/8=new"),
                entry("12.0.0.0/8=new"),
                entry("11.0.0.0/8"),
            ],
        ));
        assert_eq!(with, format!("{LIST}\n12.0.0.0/8 new\n"));
        assert_eq!(
            text(without(with.as_bytes(), &[entry("12.0.0.0/8").prefix])),
            format!("{LIST}\n")
        );
    }

    #[test]
    fn a_prefix_that_is_there_takes_the_new_label_and_keeps_its_comment() {
        let with = text(with(
            LIST.as_bytes(),
            &[entry("10.0.0.0/8=home"), entry("11.0.0.0/8=b")],
        ));
        assert_eq!(
            with,
            "# office\r\n10.0.0.0/8 home # theirs\r\n\n11.0.0.0/8 b\n10.0.0.0/8 home\nno prefix\n"
        );
    }

    #[test]
    fn a_prefix_goes_with_every_line_that_it_has() {
        let without = text(without(LIST.as_bytes(), &[entry("10.0.0.0/8").prefix]));
        assert_eq!(without, "# office\r\n\n  11.0.0.0/8\nno prefix");
        assert_eq!(
            text(super::without(
                "\u{feff}10.0.0.0/8\n".as_bytes(),
                &[entry("10.0.0.0/8").prefix]
            )),
            ""
        );
    }

    #[test]
    fn a_list_that_is_empty_gets_its_line() {
        assert_eq!(text(with(b"", &[entry("10.0.0.0/8=a")])), "10.0.0.0/8 a\n");
    }
}

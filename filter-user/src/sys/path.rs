//! Walks along a path and finds out which other users could change where it leads.
//!
//! A user who can write to a directory on the path can put something else there, or plant a symbolic link. If only
//! root and the caller can, the path keeps leading to the same place. Then it is safe to use it again.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use nix::{errno::Errno, unistd::geteuid};

/// The largest number of symbolic links on a path. The kernel has the same limit (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Something on a path that another user than root and the caller could change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The file or directory.
    pub path: PathBuf,
    /// Who could change it.
    pub to: Who,
}

/// Which user or group could change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The owner, with this user ID.
    Owner(u32),
    /// Every user, because the file has this mode.
    Everybody(u32),
    /// The group with this group ID.
    Group(u32),
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.to {
            Who::Owner(user) => write!(f, "user {user}, to whom {path} belongs"),
            Who::Everybody(mode) => write!(f, "every user, as {path} has mode {mode:o} (chmod go-w {path})"),
            Who::Group(group) => write!(f, "group {group}, which may write to {path} (chmod g-w {path})"),
        }
    }
}

impl Exposed {
    /// Finds out whether others could change the file or directory at `path`, whose metadata is `found`.
    pub fn find(path: &Path, found: &Metadata) -> Option<Self> {
        const STICKY: u32 = 0o1000;
        let mode = found.mode() & 0o7777;
        // In a sticky directory, only the owner of an entry or of the directory can rename and remove the entry.
        let is_sticky = found.is_dir() && mode & STICKY != 0;
        let to = if !is_ours(found) {
            Who::Owner(found.uid())
        } else if is_sticky {
            return None;
        } else if mode & 0o002 != 0 {
            Who::Everybody(mode)
        } else if mode & 0o020 != 0 {
            Who::Group(found.gid())
        } else {
            return None;
        };
        Some(Self {
            path: path.to_owned(),
            to,
        })
    }
}

fn is_ours(found: &Metadata) -> bool {
    found.uid() == 0 || found.uid() == geteuid().as_raw()
}

/// What to do with a symbolic link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLink {
    /// Follow it.
    Follow,
    /// Do not follow it: the path leads to the link itself.
    Keep,
}

/// Where a path leads, and who could change that.
#[derive(Debug)]
pub struct Way {
    /// The path without symbolic links. Parts that do not exist are kept as they were given.
    pub path: PathBuf,
    /// Directories and symbolic links on the path that others could change. The end of the path is not checked.
    pub exposed: Vec<Exposed>,
    /// Directories to watch: a change in one of them can make the path lead elsewhere. These are the directories of
    /// symbolic links, and the one in which the path ends. If a part is missing, it is the directory in which the
    /// first missing part would be created.
    pub turns: BTreeSet<PathBuf>,
    /// Whether the path is a descriptor of this process, such as `/dev/stdin`. The caller chose it, so the
    /// directories do not matter.
    pub is_descriptor: bool,
}

impl Way {
    /// Walks along `path` from the root directory.
    ///
    /// # Errors
    ///
    /// Fails if there are too many symbolic links or a directory cannot be read. Of the links in `/proc`, only
    /// `/proc/self`, `/proc/thread-self` and own descriptors are followed; others fail.
    pub fn walk(path: &Path, last: LastLink) -> io::Result<Self> {
        let mut way = Self {
            path: PathBuf::from("/"),
            exposed: Vec::new(),
            turns: BTreeSet::new(),
            is_descriptor: false,
        };
        let mut directory = fs::metadata("/")?;
        way.look_at(&directory);
        let mut ahead = Vec::new();
        push(&mut ahead, &std::path::absolute(path)?);
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            if name == ".." {
                way.path.pop();
                directory = fs::metadata(&way.path)?;
                continue;
            }
            let next = way.path.join(&name);
            let found = match fs::symlink_metadata(&next) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    way.turns.insert(std::mem::replace(&mut way.path, next));
                    way.path.extend(ahead.iter().rev());
                    return Ok(way);
                }
                Err(error) => return Err(error),
            };
            let is_last = ahead.is_empty();
            if found.is_symlink() && !(is_last && last == LastLink::Keep) {
                // Another user may have planted this link, because the directory is open to others.
                if directory.mode() & 0o022 != 0 && !is_ours(&found) {
                    way.exposed.push(Exposed {
                        path: next.clone(),
                        to: Who::Owner(found.uid()),
                    });
                }
                if way.path.starts_with("/proc")
                    && !matches!(next.to_str(), Some("/proc/self" | "/proc/thread-self"))
                {
                    // The kernel does not follow the text of such a link, so its text may name another file.
                    let is_descriptor = is_last && way.path == own_descriptors();
                    if !is_descriptor {
                        let what = format!("{} is a link of /proc, which is not followed", next.display());
                        return Err(io::Error::other(what));
                    }
                    way.is_descriptor = true;
                    way.path = next;
                    return Ok(way);
                }
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::ELOOP.into());
                }
                way.turns.insert(way.path.clone());
                let target = fs::read_link(&next)?;
                if target.is_absolute() {
                    way.path = PathBuf::from("/");
                    directory = fs::metadata("/")?;
                }
                push(&mut ahead, &target);
                continue;
            }
            if is_last {
                way.turns.insert(std::mem::replace(&mut way.path, next));
            } else {
                way.path = next;
                way.look_at(&found);
                directory = found;
            }
        }
        Ok(way)
    }

    fn look_at(&mut self, directory: &Metadata) {
        self.exposed.extend(Exposed::find(&self.path, directory));
    }
}

/// The directory of this process's descriptors, after all links are resolved.
fn own_descriptors() -> PathBuf {
    PathBuf::from(format!("/proc/{}/fd", std::process::id()))
}

/// Puts the parts of `path` on top of the stack of parts that are still ahead. The first part comes out first.
fn push(ahead: &mut Vec<OsString>, path: &Path) {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        Component::ParentDir => Some(OsStr::new("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    ahead.extend(parts.map(OsStr::to_owned));
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_turns_where_links_lie_and_where_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for made in ["releases/1", "elsewhere"] {
            fs::create_dir_all(at(made)).unwrap();
        }
        fs::write(at("releases/1/list"), "").unwrap();
        symlink("releases/1", at("current")).unwrap();
        symlink(at("current/list"), at("elsewhere/link")).unwrap();
        for (path, expected) in [
            ("releases/1/list", vec!["releases/1"]),
            ("releases/1/absent", vec!["releases/1"]),
            ("releases/2/list", vec!["releases"]),
            ("releases/2/3/list", vec!["releases"]),
            ("current/list", vec!["", "releases/1"]),
            ("elsewhere/link", vec!["", "elsewhere", "releases/1"]),
        ] {
            let way = Way::walk(&at(path), LastLink::Follow).unwrap();
            let mut turns = way.turns;
            // The path to temporary files may have links of its own. Ignore these.
            turns.retain(|turn| turn.starts_with(directory.path()));
            let expected = expected.into_iter().map(|name| directory.path().join(name));
            assert_eq!(turns, expected.collect(), "{path}");
        }
    }
}

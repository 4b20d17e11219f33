//! Paths that lead where they lead because of root or of whoever runs this, and of nobody else.
//!
//! Whoever can write to a directory on a path can put something else in its place, and plant symbolic links. Where
//! nobody but root and we can, a path stays what it was when it was looked at, and can be used again and again.

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

/// As many symbolic links on one path as the kernel follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// What others than root and we can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// A file or a directory on the path.
    pub path: PathBuf,
    /// Who could change it.
    pub to: Who,
}

/// Who could change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Its owner, the user with that number.
    Owner(u32),
    /// Everybody, as it has that mode.
    Everybody(u32),
    /// The group with that number.
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
    /// What others could change of the file or directory at `path`.
    pub fn find(path: &Path, found: &Metadata) -> Option<Self> {
        const STICKY: u32 = 0o1000;
        let mode = found.mode() & 0o7777;
        // In a sticky directory, entries are their owners' (and the directory's owner's) to rename and remove.
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

/// What happens to a symbolic link at the very end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLink {
    /// It is followed.
    Follow,
    /// It is what the path leads to.
    Keep,
}

/// Where a path leads.
#[derive(Debug)]
pub struct Way {
    /// The path without the symbolic links on it. What does not exist is there as it was given.
    pub path: PathBuf,
    /// Directories and symbolic links on it that others could change. What it leads to is not among them.
    pub exposed: Vec<Exposed>,
    /// Directories in which a change has the path lead elsewhere: those of symbolic links on it, and the one in which it
    /// ends, or in which what is missing of it would be made.
    pub turns: BTreeSet<PathBuf>,
    /// Whether it is a descriptor of this process, such as `/dev/stdin`: that is the choice of whoever started it, and
    /// no matter of directories.
    pub is_descriptor: bool,
}

impl Way {
    /// Walks along a path, from the root directory on.
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
                // A link in a directory that others can write to may be one that they planted.
                if directory.mode() & 0o022 != 0 && !is_ours(&found) {
                    way.exposed.push(Exposed {
                        path: next.clone(),
                        to: Who::Owner(found.uid()),
                    });
                }
                if way.path.starts_with("/proc")
                    && !matches!(next.to_str(), Some("/proc/self" | "/proc/thread-self"))
                {
                    // Its text need not lead where the kernel goes.
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

/// The directory of this process's descriptors, as a walk gets there.
fn own_descriptors() -> PathBuf {
    PathBuf::from(format!("/proc/{}/fd", std::process::id()))
}

/// Puts the parts of a path before those that are still to come, the first one last.
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
            // Of a path to temporary files that is a link itself.
            turns.retain(|turn| turn.starts_with(directory.path()));
            let expected = expected.into_iter().map(|name| directory.path().join(name));
            assert_eq!(turns, expected.collect(), "{path}");
        }
    }
}

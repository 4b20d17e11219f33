//! Precedence between places that have the same prefix. The configuration goes before list files. Between list files,
//! deny goes before trust. Retired prefixes are destinations and never conflict with the other lists.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    fmt,
    path::Path,
    sync::Arc,
};

use ipnet::IpNet;

use super::{
    contents::Config,
    error::{Error, Result},
};
use crate::{
    files::{list_file, saved},
    model::{
        entry::{Action, NewEntry},
        rules::{Key, key},
    },
    text::shown,
};

/// The place that wins for each prefix.
#[derive(Debug, Default)]
pub struct Ranks {
    standing: HashMap<Key, Place>,
}

/// A list, and the file that puts prefixes into it. A million prefixes may share the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    action: Action,
    file: Arc<Path>,
    /// Whether the file is the configuration itself.
    is_config: bool,
}

impl Place {
    /// A list file.
    pub fn list_file(action: Action, file: &Path) -> Self {
        Self {
            action,
            file: file.into(),
            is_config: false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the {} entry in {}",
            self.action,
            shown(&self.file.display().to_string())
        )
    }
}

/// A conflict of two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outranked {
    /// The prefix of both.
    pub prefix: IpNet,
    /// The place that wins.
    pub stands: Place,
    /// The place that is ignored.
    pub unused: Place,
}

impl fmt::Display for Outranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            prefix,
            stands,
            unused,
        } = self;
        write!(
            f,
            "{prefix}: {stands} stands, and {unused} is not used; leave one out"
        )
    }
}

impl Ranks {
    /// Starts with the prefixes of the configuration itself.
    pub fn of(config: &Config) -> Self {
        let file: Arc<Path> = config.path.as_path().into();
        let place = |action| Place {
            action,
            file: Arc::clone(&file),
            is_config: true,
        };
        let entries = config.entries.iter();
        Self {
            standing: entries
                .map(|(action, entry)| (key(*action, entry.prefix), place(*action)))
                .collect(),
        }
    }

    /// Adds a prefix of a list file. Returns the conflict if another list has the prefix.
    pub fn take(&mut self, new: &Place, prefix: IpNet) -> Option<Outranked> {
        let there = match self.standing.entry(key(new.action, prefix)) {
            Slot::Occupied(there) => there.into_mut(),
            Slot::Vacant(free) => {
                free.insert(new.clone());
                return None;
            }
        };
        if there.action == new.action {
            return None;
        }
        let unused = if there.is_config || new.action == Action::Trust {
            new.clone()
        } else {
            std::mem::replace(there, new.clone())
        };
        Some(Outranked {
            prefix,
            stands: there.clone(),
            unused,
        })
    }

    /// Every prefix with the list that wins.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, Action)> {
        let standing = self.standing.iter();
        standing.map(|((_, prefix), place)| (*prefix, place.action))
    }
}

impl Config {
    /// Fails if another list outranks one of these entries in the configuration or in its list files, so that saving it
    /// would have no effect. Unreadable list files are skipped.
    pub fn refuse_outranked(&self, action: Action, entries: &[NewEntry]) -> Result<()> {
        let mut ranks = Ranks::of(self);
        if action == Action::Trust {
            // Within `saved/`, a prefix is in one list only.
            let saved = saved::directory_of(&self.path);
            let is_saved = |file: &Path| file.parent() == Some(&saved);
            let is_asked = |prefix: IpNet| entries.iter().any(|entry| entry.prefix == prefix);
            let files = self.files.iter();
            for (action, file) in files.filter(|(action, file)| *action == Action::Deny && !is_saved(file)) {
                let place = Place::list_file(*action, file);
                let denied =
                    list_file::read_unattended(file).map_or_else(|_| Vec::new(), |list| list.entries);
                for entry in denied.iter().filter(|denied| is_asked(denied.prefix)) {
                    ranks.take(&place, entry.prefix);
                }
            }
        }
        let saved = Place::list_file(action, &saved::list_of(&self.path, action));
        let outranked = entries
            .iter()
            .filter_map(|entry| ranks.take(&saved, entry.prefix))
            .find(|outranked| outranked.unused.action == action);
        outranked.map_or(Ok(()), |Outranked { prefix, stands, .. }| {
            Err(Error::Outranked {
                prefix,
                stands: stands.to_string(),
                wanted: action,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::prefix;

    fn take(ranks: &mut Ranks, action: Action, file: &str) -> Option<String> {
        let prefix = prefix::parse("10.0.0.0/8").unwrap();
        let taken = ranks.take(&Place::list_file(action, Path::new(file)), prefix);
        taken.map(|outranked| outranked.to_string())
    }

    #[test]
    fn deny_goes_before_trust_in_whatever_order_they_come() {
        let expected =
            "10.0.0.0/8: the deny entry in d stands, and the trust entry in t is not used; leave one out";
        let mut ranks = Ranks::default();
        assert_eq!(take(&mut ranks, Action::Trust, "t"), None);
        assert_eq!(take(&mut ranks, Action::Deny, "d").as_deref(), Some(expected));
        let mut ranks = Ranks::default();
        assert_eq!(take(&mut ranks, Action::Deny, "d"), None);
        assert_eq!(take(&mut ranks, Action::Trust, "t").as_deref(), Some(expected));
        assert_eq!(take(&mut ranks, Action::Deny, "other"), None);
        assert_eq!(take(&mut ranks, Action::Retire, "r"), None);
        assert_eq!(ranks.iter().count(), 2);
    }

    #[test]
    fn the_configuration_goes_before_files() {
        let text = "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"10.0.0.0/8\"]\n";
        let config = Config::from_toml(text, Path::new("/c.toml")).unwrap();
        let taken = take(&mut Ranks::of(&config), Action::Deny, "d").unwrap();
        assert!(
            taken.starts_with("10.0.0.0/8: the trust entry in /c.toml stands"),
            "{taken}"
        );
    }
}

//! Which of several places that have a prefix stands: the configuration goes before list files, and among files deny goes
//! before trust. A retired prefix is a destination, and has nothing to do with the other lists.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use super::Config;
use crate::{
    Error, Result,
    entry::{Action, NewEntry},
    error::shown,
    list_file,
};

/// Where prefixes stand.
#[derive(Debug, Default)]
pub struct Ranks {
    standing: HashMap<(bool, IpNet), Place>,
}

/// A list, and what puts a prefix into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The list.
    pub action: Action,
    /// The file; whether it is the configuration itself.
    file: PathBuf,
    is_config: bool,
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

/// One of two places is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outranked {
    /// What both have.
    pub prefix: IpNet,
    /// The one that stands.
    pub stands: Place,
    /// The other one.
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
    /// The prefixes in the configuration itself.
    pub fn of(config: &Config) -> Self {
        let place = |action| Place {
            action,
            file: config.path.clone(),
            is_config: true,
        };
        let entries = config.entries.iter();
        Self {
            standing: entries
                .map(|(action, entry)| (key(*action, entry.prefix), place(*action)))
                .collect(),
        }
    }

    /// Takes a prefix of a list file in. Comes back if the prefix is in another list, too.
    pub fn take(&mut self, action: Action, file: &Path, prefix: IpNet) -> Option<Outranked> {
        let new = Place {
            action,
            file: file.to_owned(),
            is_config: false,
        };
        let key = key(action, prefix);
        let Some(there) = self.standing.get_mut(&key) else {
            self.standing.insert(key, new);
            return None;
        };
        if there.action == action {
            return None;
        }
        let unused = if there.is_config || action == Action::Trust {
            new
        } else {
            std::mem::replace(there, new)
        };
        Some(Outranked {
            prefix,
            stands: there.clone(),
            unused,
        })
    }

    /// Every prefix, and the list in which it stands.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, Action)> {
        let standing = self.standing.iter();
        standing.map(|((_, prefix), place)| (*prefix, place.action))
    }
}

/// Prefixes of senders, and those of receivers.
pub(super) fn key(action: Action, prefix: IpNet) -> (bool, IpNet) {
    (action == Action::Retire, prefix)
}

impl Config {
    /// Fails if the agent would not put one of these in force from the list that `--save` keeps, since the configuration or
    /// one of its list files has it in another list. List files that cannot be read are left out.
    pub fn refuse_outranked(&self, action: Action, entries: &[NewEntry]) -> Result<()> {
        let mut ranks = Ranks::of(self);
        if action == Action::Trust {
            // Of `saved/` itself, one prefix is in one list only.
            let saved = Self::saved_dir_of(&self.path);
            let is_saved = |file: &Path| file.parent() == Some(&saved);
            let files = self.files.iter();
            for (action, file) in files.filter(|(action, file)| *action == Action::Deny && !is_saved(file)) {
                for entry in list_file::read_unattended(file).map_or_else(|_| Vec::new(), |list| list.entries)
                {
                    ranks.take(*action, file, entry.prefix);
                }
            }
        }
        let saved = Self::saved_list(&self.path, action);
        let outranked = entries
            .iter()
            .filter_map(|entry| ranks.take(action, &saved, entry.prefix))
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
    use crate::prefix;

    fn take(ranks: &mut Ranks, action: Action, file: &str) -> Option<String> {
        let prefix = prefix::parse("10.0.0.0/8").unwrap();
        let taken = ranks.take(action, Path::new(file), prefix);
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
        let config = Config::understand(text, Path::new("/c.toml")).unwrap();
        let taken = take(&mut Ranks::of(&config), Action::Deny, "d").unwrap();
        assert!(
            taken.starts_with("10.0.0.0/8: the trust entry in /c.toml stands"),
            "{taken}"
        );
    }
}

//! The agent's report on its own state, for metrics, `/healthz` and the service manager.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::model::{entry::Action, settings::Policy};

/// The agent's report on its own state.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// When the configuration in force was read, and why a newer one is not in force.
    pub config: Attempt,
    /// Whether the policy of the configuration is `enforce`.
    pub config_enforces: bool,
    /// When the last apply succeeded, and why the filter is not at the desired state.
    pub applied: Attempt,
    /// The feeds.
    pub feeds: Vec<FeedReport>,
    /// The list files.
    pub files: Vec<FileReport>,
    /// The desired interfaces that the filter protects.
    pub protected: Vec<String>,
    /// The other desired interfaces: name and reason.
    pub unprotected: Vec<(String, String)>,
    /// Interface names in the configuration that no interface has. Patterns are not among them.
    pub absent: Vec<String>,
}

impl Report {
    /// A status line. `policy` is the one in force, and `prefixes` how many prefixes the desired lists have.
    pub fn line(&self, policy: Option<Policy>, prefixes: usize) -> String {
        let mut line = match policy {
            Some(policy) if !self.protected.is_empty() => {
                format!("{} on {}", policy.name(), self.protected.join(", "))
            }
            _ => "on no interface".to_owned(),
        };
        if self.config_enforces && policy == Some(Policy::Observe) {
            line += " (the configuration says enforce)";
        }
        line += &format!("; {prefixes} prefixes");
        let failing = self.feeds.iter().filter(|feed| feed.fetched.error.is_some());
        for (number, what) in [
            (self.unprotected.len(), "interfaces unprotected"),
            (failing.count(), "sources failing"),
            (usize::from(self.config.error.is_some()), "configuration refused"),
            (usize::from(self.applied.error.is_some()), "last change failed"),
        ] {
            if number > 0 {
                line += &format!("; {number} {what}");
            }
        }
        line
    }
}

/// How the attempts at something that is done again and again went.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// When an attempt last succeeded.
    pub succeeded: Option<SystemTime>,
    /// When the last attempt was made.
    pub tried: Option<SystemTime>,
    /// How many attempts have failed.
    pub failures: u64,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
}

impl Attempt {
    /// When an attempt last succeeded. A time in the future comes from a wrong clock, and would look fresh until then: it does
    /// not count.
    pub fn believed(&self, now: SystemTime) -> Option<SystemTime> {
        self.succeeded.filter(|at| *at <= now)
    }

    /// An attempt has succeeded just now.
    pub fn succeed(&mut self) {
        let now = SystemTime::now();
        (self.succeeded, self.tried, self.error) = (Some(now), Some(now), None);
    }

    /// An attempt has failed just now.
    pub fn fail(&mut self, error: String) {
        self.tried = Some(SystemTime::now());
        self.failures += 1;
        self.error = Some(error);
    }
}

/// The report on a feed.
#[derive(Clone, Debug)]
pub struct FeedReport {
    /// The name of the feed.
    pub name: String,
    /// The list that its prefixes belong in.
    pub list: Action,
    /// How many prefixes its list has.
    pub prefixes: usize,
    /// The interval between two attempts; `None` for a built-in list.
    pub interval: Option<Duration>,
    /// How the attempts to fetch it went.
    pub fetched: Attempt,
}

/// The report on a list file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The list that its prefixes belong in.
    pub list: Action,
    /// The path of the file.
    pub path: PathBuf,
    /// How many prefixes its last good list has.
    pub prefixes: usize,
    /// Why the file's present content is not used.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_in_the_future_is_not_believed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let at = |succeeded| Attempt {
            succeeded,
            ..Attempt::default()
        };
        let second = Duration::from_secs(1);
        assert_eq!(at(None).believed(now), None);
        assert_eq!(at(Some(now - second)).believed(now), Some(now - second));
        assert_eq!(at(Some(now)).believed(now), Some(now));
        assert_eq!(at(Some(now + second)).believed(now), None);
    }
}

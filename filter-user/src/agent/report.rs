//! What the agent tells of itself to those who look.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::model::{entry::Action, settings::Policy};

/// What the agent tells of itself.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// When the configuration in force was read, and why a newer one is not.
    pub config: Attempt,
    /// Whether it says that packets are dropped.
    pub config_enforces: bool,
    /// When the kernel was last brought to what is wanted, and why it no longer is.
    pub applied: Attempt,
    /// The lists that are fetched.
    pub feeds: Vec<FeedReport>,
    /// List files.
    pub files: Vec<FileReport>,
    /// Interfaces that are wanted and there, on which the filter is.
    pub protected: Vec<String>,
    /// Those on which it is not: name and reason.
    pub unprotected: Vec<(String, String)>,
    /// Names of the configuration that no interface has. A pattern is meant for machines that differ: it is none.
    pub absent: Vec<String>,
}

impl Report {
    /// How things are, in a line, where that policy is in force and so many prefixes should be in the lists.
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

/// Something that is tried again and again.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// When it last succeeded.
    pub succeeded: Option<SystemTime>,
    /// When it was last tried.
    pub tried: Option<SystemTime>,
    /// How often it has failed.
    pub failures: u64,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
}

impl Attempt {
    /// When it last succeeded, unless that was by a clock that was wrong: it would seem young for as long as that was ahead.
    pub fn believed(&self, now: SystemTime) -> Option<SystemTime> {
        self.succeeded.filter(|at| *at <= now)
    }

    /// It worked just now.
    pub fn succeed(&mut self) {
        let now = SystemTime::now();
        (self.succeeded, self.tried, self.error) = (Some(now), Some(now), None);
    }

    /// It did not, just now.
    pub fn fail(&mut self, error: String) {
        self.tried = Some(SystemTime::now());
        self.failures += 1;
        self.error = Some(error);
    }
}

/// What is known of a list that is fetched.
#[derive(Clone, Debug)]
pub struct FeedReport {
    /// Its name.
    pub name: String,
    /// `provider:NAME` or `source:NAME`.
    pub origin: String,
    /// The list that its prefixes go to.
    pub list: Action,
    /// How many prefixes it has.
    pub prefixes: usize,
    /// From one attempt to the next; `None` where nothing is fetched.
    pub interval: Option<Duration>,
    /// How it went.
    pub fetched: Attempt,
}

/// What is known of a list file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The list that it goes to.
    pub list: Action,
    /// Where it lies.
    pub path: PathBuf,
    /// How many prefixes of it are in force.
    pub prefixes: usize,
    /// Why what it has now is not in force.
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

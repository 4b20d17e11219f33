//! Warnings about a configuration: what is legal, and probably not meant.

use std::path::PathBuf;

use filter_user::{
    agent::interfaces::select,
    config::{contents::Config, ranks::Ranks},
    feed::definition::{Feed, Location},
    model::{duration, entry::Action, settings::Policy},
    sys::netlink,
};
use ipnet::IpNet;

use crate::cli::own;

/// The port of SSH, which most people need to mend what they broke.
const SSH: u16 = 22;

/// All warnings. `lists` has the prefixes of the configuration and its list files.
pub fn of(config: &Config, lists: &Ranks) -> Vec<String> {
    let mut warnings: Vec<String> = nobody_trusted(config, lists).into_iter().collect();
    warnings.extend(absent_interfaces(config));
    let retired = lists.iter().filter(|(_, action)| *action == Action::Retire);
    let retired: Vec<IpNet> = retired.map(|(prefix, _)| prefix).collect();
    warnings.extend(own::retired(&retired));
    if config.tcp.contains(SSH) {
        warnings.push(format!(
            "tcp has port {SSH} in it: nobody but those who are trusted opens an SSH connection; make sure that you are, or \
             leave it out"
        ));
    }
    for feed in &config.feeds {
        warnings.extend(short_grace(feed));
        warnings.extend(absent_file(feed));
    }
    warnings
}

fn nobody_trusted(config: &Config, lists: &Ranks) -> Option<String> {
    let trusts = |action: Action| action == Action::Trust;
    let is_fed = config.feeds.iter().any(|feed| trusts(feed.action));
    let is_trusted = is_fed || lists.iter().any(|(_, action)| trusts(action));
    (config.policy == Policy::Enforce && !is_trusted).then(|| {
        "nobody is trusted, and the policy is enforce: nothing would be put in force, as every new connection would be dropped; trust somebody ([trust]), or observe first: policy = \"observe\"".to_owned()
    })
}

fn absent_interfaces(config: &Config) -> Vec<String> {
    let all = match netlink::all() {
        Ok(all) => all,
        Err(error) => {
            return vec![format!(
                "it could not be seen which interfaces there are: {error}"
            )];
        }
    };
    let absent = select(&all, &config.interfaces).absent.into_iter();
    absent
        .map(|absent| {
            format!(
                "no interface is called {absent} now (see: ip -brief link); it is protected when it appears"
            )
        })
        .collect()
}

fn short_grace(feed: &Feed) -> Option<String> {
    let next = feed.interval + feed.jitter + feed.timeout;
    let is_short = feed.location != Location::BuiltIn && !feed.grace.is_zero() && feed.grace < next;
    is_short.then(|| {
        format!(
            "source {}: a prefix that its list lacks once is gone (grace {}) before the next attempt has brought it back (up to {})",
            feed.name,
            duration::format(feed.grace),
            duration::format(next),
        )
    })
}

fn absent_file(feed: &Feed) -> Option<String> {
    let (path, what) = match &feed.location {
        Location::File { path, .. } => (path.clone(), "file"),
        Location::Exec { command, .. } => (command.first().map(PathBuf::from).unwrap_or_default(), "program"),
        Location::Https {
            ca_file: Some(path), ..
        } => (path.clone(), "file"),
        _ => return None,
    };
    (!path.exists()).then(|| format!("source {}: there is no {what} {} now", feed.name, path.display()))
}

//! The metrics of the agent: its configuration, its changes, sources and list files.

use std::time::SystemTime;

use super::family::{Families, truth};
use crate::agent::report::{Attempt, FeedReport, FileReport, Report};

/// Adds the metrics of the agent.
pub fn add(families: &mut Families, report: &Report) {
    let now = SystemTime::now();
    attempt(
        families,
        "synwall_config",
        ("Reading the configuration", "configuration"),
        &report.config,
        now,
    );
    attempt(
        families,
        "synwall_apply",
        ("Bringing the kernel to what is wanted", "change"),
        &report.applied,
        now,
    );
    families.gauge(
        "synwall_config_enforcing",
        "Whether the configuration in force says that packets are dropped",
        [([], truth(report.config_enforces))],
    );
    sources(families, &report.feeds, now);
    list_files(families, &report.files);
    families.gauge(
        "synwall_unprotected_interfaces",
        "Interfaces that the filter should be on and is not",
        [([], report.unprotected.len() as f64)],
    );
    families.gauge(
        "synwall_absent_interfaces",
        "Names and globs of the configuration that no interface has",
        [([], report.absent.len() as f64)],
    );
}

/// Adds the metrics of what the agent tries again and again. `what` it tries and the `thing` that may fail are for the help.
fn attempt(
    families: &mut Families,
    name: &str,
    (what, thing): (&str, &str),
    attempt: &Attempt,
    now: SystemTime,
) {
    families.gauge(
        &format!("{name}_error"),
        &format!("Whether the last {thing} failed"),
        [([], truth(attempt.error.is_some()))],
    );
    families.counter(
        &format!("{name}_failures_total"),
        &format!("{what}: failures"),
        [([], attempt.failures)],
    );
    families.gauge(
        &format!("{name}_last_success_timestamp_seconds"),
        &format!("{what}: when it last succeeded"),
        attempt.believed(now).map(|at| ([], seconds(at))),
    );
}

fn sources(families: &mut Families, feeds: &[FeedReport], now: SystemTime) {
    let source = |feed: &FeedReport| [("source", feed.name.clone())];
    families.gauge(
        "synwall_source_prefixes",
        "Prefixes of a list that is fetched",
        feeds.iter().map(|feed| {
            let labels = [
                ("source", feed.name.clone()),
                ("action", feed.list.name().to_owned()),
            ];
            (labels, feed.prefixes as f64)
        }),
    );
    let interval = |feed: &FeedReport| Some((source(feed), feed.interval?.as_secs_f64()));
    families.gauge(
        "synwall_source_interval_seconds",
        "From one attempt to fetch a list to the next, without jitter",
        feeds.iter().filter_map(interval),
    );
    families.gauge(
        "synwall_source_error",
        "Whether the last attempt to fetch a list failed",
        feeds
            .iter()
            .map(|feed| (source(feed), truth(feed.fetched.error.is_some()))),
    );
    families.counter(
        "synwall_source_failures_total",
        "Attempts to fetch a list that failed",
        feeds.iter().map(|feed| (source(feed), feed.fetched.failures)),
    );
    let fetched = |feed: &FeedReport| Some((source(feed), seconds(feed.fetched.believed(now)?)));
    families.gauge(
        "synwall_source_last_success_timestamp_seconds",
        "When a list was last fetched",
        feeds.iter().filter_map(fetched),
    );
}

fn list_files(families: &mut Families, files: &[FileReport]) {
    let labels = |file: &FileReport| {
        [
            ("action", file.list.name().to_owned()),
            ("path", file.path.display().to_string()),
        ]
    };
    families.gauge(
        "synwall_list_file_prefixes",
        "Prefixes of a list file",
        files.iter().map(|file| (labels(file), file.prefixes as f64)),
    );
    families.gauge(
        "synwall_list_file_error",
        "Whether a list file cannot be read as it is now",
        files
            .iter()
            .map(|file| (labels(file), truth(file.error.is_some()))),
    );
}

/// Seconds since the epoch; a time before it counts as the epoch.
fn seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

//! Publishes the agent's state: a report for metrics and `/healthz`, and a status line for the service manager.

use tokio::sync::watch;

use super::{
    fetch::Fetcher,
    inputs::Inputs,
    reconciler::Reconciler,
    report::{FeedReport, Report},
    service,
};
use crate::{feed::definition::Location, model::settings::Policy, text::shown};

/// Publishes the agent's state; an empty report at first.
#[derive(Default)]
pub struct Publisher {
    report: watch::Sender<Report>,
    /// The last status line.
    line: String,
}

impl Publisher {
    /// The reports, for those who serve them.
    pub const fn reports(&self) -> &watch::Sender<Report> {
        &self.report
    }

    /// Publishes the state. `prefixes` is how many prefixes the desired lists have.
    pub fn publish(&mut self, inputs: &Inputs, fetcher: &Fetcher, reconciler: &Reconciler, prefixes: usize) {
        let report = report(inputs, fetcher, reconciler);
        let line = report.line(reconciler.observed_policy(), prefixes);
        if line != self.line {
            service::status(&line);
            self.line = line;
        }
        self.report.send_replace(report);
    }
}

fn report(inputs: &Inputs, fetcher: &Fetcher, reconciler: &Reconciler) -> Report {
    let feeds = inputs.config.feeds.iter().map(|feed| {
        let (prefixes, fetched) = inputs.feeds.feed(&feed.name).unwrap_or_default();
        let mut attempt = fetcher.attempt(&feed.name);
        attempt.succeeded = attempt.succeeded.max(fetched);
        if let Some(left_out) = inputs.feeds.left_out(&feed.name) {
            // The list in force gets older, however often a new one is fetched.
            (attempt.succeeded, attempt.error) = (None, Some(left_out));
        }
        FeedReport {
            name: feed.name.clone(),
            list: feed.action,
            prefixes,
            interval: (feed.location != Location::BuiltIn).then_some(feed.interval),
            fetched: attempt,
        }
    });
    let protection = reconciler.protection();
    let protected = protection.protected();
    Report {
        config: inputs.config_read.clone(),
        config_enforces: inputs.config.policy == Policy::Enforce,
        applied: reconciler.applied().clone(),
        feeds: feeds.collect(),
        files: inputs.files.reports(),
        protected: protected.map(|interface| shown(&interface.name)).collect(),
        unprotected: protection.unprotected().to_vec(),
        absent: protection.absent(),
    }
}

//! What follows from an event: what is wanted is compared with what is there, and brought about.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};

use super::{
    Event, Options,
    fetch::{Fetched, Fetcher},
    inputs::{Found, Inputs},
    interfaces::{Selection, select},
    journal::log_outcome,
    kernel::{Kernel, Unprotected, Why, Wish},
    report::{Attempt, FeedReport, Report},
    server::Server,
    service,
    signature::{QUIET, Reading},
    watch::Watch,
};
use crate::{
    Result,
    config::{Config, OnStop},
    error::shown,
    feed::From,
    interface::{self, Interface},
    ports::PortSet,
    rules::Rules,
    settings::Policy,
};

/// Between a failure and the next attempt, at the first and at the most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Keeps the kernel at what is wanted.
pub struct Keeper {
    options: Options,
    inputs: Inputs,
    kernel: Kernel,
    fetcher: Fetcher,
    attempts: BTreeMap<String, Attempt>,
    watch: Option<Watch>,
    unwatched: BTreeSet<PathBuf>,
    server: Server,
    report: watch::Sender<Report>,
    /// What the lists should be.
    wanted: Rules,
    /// The interfaces that the filter should be on.
    selection: Selection,
    due: Due,
    applied: Attempt,
    /// Why the filter could not be attached, by index.
    refused: BTreeMap<u32, String>,
    /// Whether a prefix that is wanted is in another list by hand: nobody tells when it no longer is.
    is_contradicted: bool,
    /// Whether the filter has been up since this agent came.
    was_up: bool,
    /// Whether somebody took the filter down by hand: then it is left alone until the next reload.
    taken_down: bool,
    /// What the kernel has to say of interfaces that the filter should be on.
    unprotected: Vec<(String, String)>,
    retry_at: Option<Instant>,
    /// The last line for the service manager.
    said: String,
    /// How long the last retry was waited for.
    delay: Option<Duration>,
}

/// What is still to be done.
#[derive(Clone, Debug, Default)]
struct Due {
    /// Something may have to be done to the lists, or to what follows.
    lists: bool,
    settings: bool,
    /// Indices of interfaces to attach to.
    attach: BTreeSet<u32>,
    /// Names of interfaces to be let go.
    detach: Vec<String>,
    /// The filter is set up even if somebody took it down.
    anew: bool,
}

impl Due {
    fn is_nothing(&self) -> bool {
        !self.lists && !self.settings && self.attach.is_empty() && self.detach.is_empty()
    }
}

impl Keeper {
    /// Reads everything and brings it about. Fails where nothing could ever come of it: a configuration that cannot be used,
    /// missing privileges, another agent.
    pub fn start(options: Options, runtime: Handle, events: Sender<Event>) -> Result<Self> {
        let inputs = Inputs::read(&options.config, &options.state_dir)?;
        let kernel = Kernel::claim(options.pin_dir.clone())?;
        let heard = events.clone();
        let watch = Watch::new(move || {
            // Without anybody who hears it the agent ends.
            let _ = heard.send(Event::Files);
        });
        let watch = watch
            .map_err(|error| log::error!("cannot watch files: {error}; they are looked at now and then"));
        let mut keeper = Self {
            wanted: inputs.wanted(),
            inputs,
            kernel,
            fetcher: Fetcher::new(runtime.clone(), events),
            attempts: BTreeMap::new(),
            watch: watch.ok(),
            unwatched: BTreeSet::new(),
            server: Server::new(runtime),
            report: watch::Sender::new(Report::default()),
            selection: Selection::default(),
            due: Due::default(),
            applied: Attempt::default(),
            refused: BTreeMap::new(),
            is_contradicted: false,
            was_up: false,
            taken_down: false,
            unprotected: Vec::new(),
            said: String::new(),
            retry_at: None,
            delay: None,
            options,
        };
        keeper.let_go_of_what_a_former_configuration_had();
        keeper.everything_is_due();
        keeper.follow_config();
        keeper.bring_about();
        Ok(keeper)
    }

    /// When something that failed is tried again.
    pub fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Reads everything again, and puts it in force whether it has changed or not.
    pub fn reload(&mut self) {
        log::info!("reloading {}", self.options.config.display());
        self.look_at_inputs(Reading::AtOnce);
        if self.inputs.reading.error.is_none() {
            self.everything_is_due();
        }
        self.bring_about();
    }

    /// Looks at everything, and does what follows.
    pub fn look(&mut self) {
        self.look_at_inputs(Reading::WhenQuiet);
        self.look_at_interfaces();
        if self.is_contradicted {
            self.due.lists = true;
        }
        self.bring_about();
    }

    /// Notes how fetching a feed went, and takes its list.
    pub fn fetched(&mut self, fetched: Fetched) {
        let attempt = self.attempts.entry(fetched.name.clone()).or_default();
        match &fetched.error {
            None => attempt.succeed(),
            Some(error) => {
                // A provider that is down for a week need not fill the log.
                if attempt.error.as_ref() != Some(error) {
                    log::warn!(
                        "source {}: {error}; its list of before stays in force",
                        fetched.name
                    );
                }
                attempt.fail(error.clone());
            }
        }
        self.look();
    }

    /// Leaves the kernel as the configuration wants it after the agent.
    pub fn stop(self) -> Result<()> {
        match self.inputs.config.on_stop {
            OnStop::Keep => {
                match self.kernel.look(&[]) {
                    Ok(None) => log::info!("stopped; no filter is up"),
                    _ => log::info!("stopped; the filter stays in force (take it down: synwall down --all)"),
                }
                Ok(())
            }
            OnStop::Detach => {
                self.kernel.take_down()?;
                log::info!("stopped; the filter is down");
                Ok(())
            }
        }
    }

    fn everything_is_due(&mut self) {
        self.selection = Selection::default();
        self.refused.clear();
        self.look_at_interfaces();
        self.due.lists = true;
        self.due.settings = true;
        self.due.anew = true;
        self.taken_down = false;
    }

    /// The interfaces of the configuration before this agent came are not its own any more if this one does not name them.
    fn let_go_of_what_a_former_configuration_had(&mut self) {
        if let Some(former) = self.inputs.former.take() {
            self.let_go(&former);
        }
    }

    fn look_at_inputs(&mut self, reading: Reading) {
        let before = self.inputs.config.clone();
        let found = self.inputs.look(reading);
        if found == Found::default() {
            return;
        }
        self.wanted = self.inputs.wanted();
        self.due.lists = true;
        if found.config {
            log::info!("the configuration has changed");
            let config = &self.inputs.config;
            self.due.settings |= settings(config) != settings(&before);
            self.due.anew |= config.interfaces != before.interfaces;
            if self.due.settings || self.due.anew {
                self.taken_down = false;
            }
            if config.xdp != before.xdp {
                let there: Vec<u32> = self.protected().map(|interface| interface.index).collect();
                self.due.attach.extend(there);
            }
            self.let_go(&before);
        }
        self.follow_config();
    }

    /// Has the filter taken off the interfaces that another configuration names and this one does not.
    fn let_go(&mut self, before: &Config) {
        let Some(all) = interfaces() else {
            return;
        };
        let now = select(&all, &self.inputs.config.interfaces).interfaces;
        let former = select(&all, &before.interfaces).interfaces.into_iter();
        let gone = former.filter(|interface| !now.contains(interface));
        self.due.detach.extend(gone.map(|interface| interface.name));
    }

    /// Watches, fetches and serves what the configuration names.
    fn follow_config(&mut self) {
        let Self { inputs, .. } = self;
        self.fetcher
            .set(&inputs.config.feeds, inputs.feeds.store(), |name| {
                inputs.feeds.feed(name)?.1
            });
        self.attempts
            .retain(|name, _| inputs.config.feeds.iter().any(|feed| feed.name == *name));
        self.server.set(
            inputs.config.metrics.as_ref(),
            &self.options.pin_dir,
            &self.report,
        );
    }

    fn watch_files(&mut self) {
        let Some(watch) = &mut self.watch else {
            return;
        };
        let failed = watch.set(&self.inputs.directories());
        for (path, error) in &failed {
            if !self.unwatched.contains(path) {
                log::warn!(
                    "cannot watch {}: {error}; it is looked at now and then",
                    path.display()
                );
            }
        }
        self.unwatched = failed.into_iter().map(|(path, _)| path).collect();
    }

    /// Finds interfaces that the filter should be on and that were not there when we last looked, or that returned.
    fn look_at_interfaces(&mut self) {
        let Some(all) = interfaces() else {
            return;
        };
        let selection = select(&all, &self.inputs.config.interfaces);
        let known = |interface: &Interface| {
            let mut known = self.selection.interfaces.iter();
            known.any(|known| (known.index, &known.name) == (interface.index, &interface.name))
        };
        for interface in selection.interfaces.iter().filter(|interface| !known(interface)) {
            self.due.attach.insert(interface.index);
        }
        let is_there = |index: &u32| {
            selection
                .interfaces
                .iter()
                .any(|interface| interface.index == *index)
        };
        self.due.attach.retain(is_there);
        self.refused.retain(|index, _| is_there(index));
        for pattern in &selection.absent {
            if !self.selection.absent.contains(pattern) {
                log::warn!(
                    "there is no interface '{}' (yet); the filter is put on it when it appears",
                    shown(pattern)
                );
            }
        }
        self.selection = selection;
    }

    fn bring_about(&mut self) {
        self.watch_files();
        self.retry_at = None;
        if !self.due.is_nothing() && (!self.taken_down || self.due.anew) {
            self.apply();
        }
        if self.inputs.are_unsettled() {
            let soon = Instant::now() + QUIET;
            self.retry_at = Some(self.retry_at.map_or(soon, |at| at.min(soon)));
        }
        self.look_at_kernel();
        self.tell();
    }

    fn apply(&mut self) {
        let waits = self.waits();
        let due = self.due.clone();
        let mut attach = self.selection.interfaces.clone();
        attach.retain(|interface| due.attach.contains(&interface.index));
        // A name that was to be let go may be wanted again by now.
        let is_wanted = |name: &String| self.selection.interfaces.iter().any(|there| there.name == *name);
        let mut detach = due.detach.clone();
        detach.retain(|name| !is_wanted(name));
        let wish = Wish {
            config: &self.inputs.config,
            rules: &self.wanted,
            goings: &self.inputs.feeds.goings(),
            settings: due.settings && !waits,
            attach: &attach,
            detach: &detach,
            create: (due.anew || !self.was_up) && !waits,
            only_again: waits,
        };
        let mut outcome = match self.kernel.bring_about(&wish) {
            Ok(outcome) => outcome,
            Err(error) => {
                log::error!("{error}");
                self.applied.fail(error.to_string());
                self.retry_later();
                return;
            }
        };
        let failed = outcome.failed.take();
        match &failed {
            None => self.applied.succeed(),
            Some(error) => {
                log::error!("{error}");
                self.applied.fail(error.to_string());
            }
        }
        if !outcome.is_up && self.was_up && !due.anew {
            log::warn!("the filter was taken down; it is left alone until the next reload");
            self.taken_down = true;
        }
        self.was_up |= outcome.is_up;
        self.is_contradicted = !outcome.plan.contradicted.is_empty();
        // To set it up anew is done when it is up, and not before.
        let anew = due.anew && !outcome.is_up;
        self.due = if failed.is_some() {
            Due { anew, ..due }
        } else if waits {
            Due {
                lists: false,
                detach: Vec::new(),
                ..due
            }
        } else {
            Due {
                anew,
                ..Due::default()
            }
        };
        let before = std::mem::take(&mut self.refused);
        for (interface, error) in &outcome.refused {
            let error = error.to_string();
            if before.get(&interface.index) != Some(&error) {
                log::error!("{}: {error}", shown(&interface.name));
            }
            self.refused.insert(interface.index, error);
            self.due.attach.insert(interface.index);
        }
        if self.refused.is_empty() && failed.is_none() {
            self.delay = None;
        } else {
            self.retry_later();
        }
        log_outcome(&self.inputs.config, &outcome);
    }

    /// Whether what drops packets has to wait, since a list that is to be trusted has never been there.
    fn waits(&self) -> bool {
        let missing = self.inputs.feeds.missing();
        let waits = !missing.is_empty() && self.inputs.config.policy == Policy::Enforce;
        if waits {
            log::warn!(
                "waiting for the first list of {}: to drop everybody else before it is there would drop whom it trusts",
                missing.join(", ")
            );
        }
        waits
    }

    fn retry_later(&mut self) {
        let delay = self.delay.map_or(RETRY.0, |delay| (delay * 2).min(RETRY.1));
        self.delay = Some(delay);
        self.retry_at = Some(Instant::now() + delay);
    }

    /// Asks the kernel where the filter is. What went with its interface, and is back with it, is put on again; what somebody
    /// took off by hand is not.
    fn look_at_kernel(&mut self) {
        let mut unprotected = Vec::new();
        match self.kernel.look(&self.selection.interfaces) {
            Ok(Some(found)) => {
                for Unprotected { index, name, why } in found {
                    if why == Why::Returned && self.due.attach.insert(index) {
                        self.retry_later();
                    }
                    let reason = self.refused.get(&index).cloned();
                    unprotected.push((name, reason.unwrap_or_else(|| why.text().to_owned())));
                }
            }
            Ok(None) => {
                for interface in &self.selection.interfaces {
                    let reason = match self.refused.get(&interface.index) {
                        Some(refused) => refused.clone(),
                        None if self.taken_down => "the filter was taken down".to_owned(),
                        None => "the filter is not up yet".to_owned(),
                    };
                    unprotected.push((shown(&interface.name), reason));
                }
            }
            Err(error) => {
                log::error!("cannot look at the filter: {error}");
                return;
            }
        }
        for (name, reason) in &unprotected {
            if !self.unprotected.iter().any(|(known, _)| known == name) {
                log::warn!("{name} is not protected: {reason}");
            }
        }
        self.unprotected = unprotected;
    }

    /// Tells who asks, and the service manager, how things are.
    fn tell(&mut self) {
        let inputs = &self.inputs;
        let feeds = inputs.config.feeds.iter().map(|feed| {
            let (prefixes, fetched) = inputs.feeds.feed(&feed.name).unwrap_or_default();
            let mut attempt = self.attempts.get(&feed.name).cloned().unwrap_or_default();
            attempt.succeeded = attempt.succeeded.max(fetched);
            FeedReport {
                name: feed.name.clone(),
                origin: feed.origin.as_str().to_owned(),
                prefixes,
                interval: (feed.from != From::BuiltIn).then_some(feed.interval),
                fetched: attempt,
            }
        });
        let report = Report {
            config: inputs.reading.clone(),
            applied: self.applied.clone(),
            feeds: feeds.collect(),
            files: inputs.files.reports(),
            is_protecting: self.unprotected.len() < self.selection.interfaces.len(),
            unprotected: self.unprotected.clone(),
            absent: self.selection.absent.clone(),
        };
        let line = self.line(&report);
        if line != self.said {
            service::status(&line);
            self.said = line;
        }
        self.report.send_replace(report);
    }

    /// The interfaces that the filter should be on and is, as far as is known.
    fn protected(&self) -> impl Iterator<Item = &Interface> {
        let is_protected = |interface: &&Interface| {
            let name = shown(&interface.name);
            !self
                .unprotected
                .iter()
                .any(|(unprotected, _)| *unprotected == name)
        };
        self.selection.interfaces.iter().filter(is_protected)
    }

    /// How things are, in a line.
    fn line(&self, report: &Report) -> String {
        let config = &self.inputs.config;
        let protected: Vec<String> = self.protected().map(|interface| shown(&interface.name)).collect();
        let mut line = match protected.as_slice() {
            [] => "on no interface".to_owned(),
            names => format!("{} on {}", config.policy.name(), names.join(", ")),
        };
        line += &format!("; {} prefixes", self.wanted.len());
        let failing = report
            .feeds
            .iter()
            .filter(|feed| feed.fetched.error.is_some())
            .count();
        for (number, what) in [
            (report.unprotected.len(), "interfaces unprotected"),
            (failing, "sources failing"),
            (
                usize::from(report.config.error.is_some()),
                "configuration refused",
            ),
            (usize::from(report.applied.error.is_some()), "last change failed"),
        ] {
            if number > 0 {
                line += &format!("; {number} {what}");
            }
        }
        line
    }
}

/// Every interface, if the kernel tells.
fn interfaces() -> Option<Vec<Interface>> {
    interface::all().inspect_err(|error| log::error!("{error}")).ok()
}

/// What of a configuration every program is specialised for.
fn settings(config: &Config) -> (Policy, filter_common::DropLevel, &PortSet, &PortSet) {
    (config.policy, config.drop, &config.tcp, &config.udp)
}

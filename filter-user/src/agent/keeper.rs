//! What follows from an event: what is wanted is compared with what is there, and brought about.

use std::{
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};

use super::{
    Event, Options,
    due::{Done, Due},
    fetch::{Fetched, Fetcher},
    guarded::Guarded,
    inputs::{Found, Inputs},
    interfaces::select,
    journal::log_outcome,
    kernel::{Kernel, Outcome, Wish},
    report::{Attempt, FeedReport, Report},
    retry::Retry,
    server::Server,
    service,
    wanted::Contradiction,
    watch::Watch,
};
use crate::{
    Error, Result,
    config::{Config, OnStop},
    error::shown,
    feed::From,
    interface::{self, Interface},
    ports::PortSet,
    rules::Rules,
    settings::Policy,
    signature::{QUIET, Reading},
};

/// Keeps the kernel at what is wanted.
pub struct Keeper {
    options: Options,
    inputs: Inputs,
    kernel: Kernel,
    fetcher: Fetcher,
    watch: Watch,
    server: Server,
    report: watch::Sender<Report>,
    /// The last line for the service manager.
    said: String,
    /// What the lists should be.
    wanted: Rules,
    guarded: Guarded,
    due: Due,
    retry: Retry,
    /// How bringing the kernel to what is wanted goes.
    applied: Attempt,
    /// What was due when it could not all be done: the same is not tried again before its time.
    failed: Option<Due>,
    /// Prefixes that are wanted and are in another list by hand: nobody tells when they no longer are.
    contradicted: Vec<Contradiction>,
    /// The sources whose lists are waited for, as it was said.
    waits_for: String,
    /// Whether another command had the filter when something was last to be done to it.
    is_locked: bool,
    /// Why the kernel could not be asked, as it was said.
    unseen: Option<String>,
    /// Whether the filter has been up since this agent came.
    was_up: bool,
    /// Whether somebody took the filter down by hand: then it is left alone until the next reload.
    taken_down: bool,
    /// The policy that is in force, if there is a filter: somebody may have set another one by hand.
    policy: Option<Policy>,
}

/// What an attempt to bring the kernel to what is wanted got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// The filter, if there is one.
    Filter,
    /// Another command has it.
    Locked,
}

impl Keeper {
    /// Reads everything and brings it about. Fails where nothing could ever come of it: a configuration that cannot be used,
    /// missing privileges, another agent.
    pub fn start(options: Options, runtime: Handle, events: Sender<Event>) -> Result<Self> {
        let mut inputs = Inputs::read(&options.config, &options.state_dir)?;
        let kernel = Kernel::claim(options.pin_dir.clone())?;
        let heard = events.clone();
        let watch = Watch::new(move || {
            // Without anybody who hears it the agent ends.
            let _ = heard.send(Event::Files);
        });
        let mut keeper = Self {
            wanted: inputs.wanted(),
            inputs,
            kernel,
            fetcher: Fetcher::new(runtime.clone(), events),
            watch,
            server: Server::new(runtime),
            report: watch::Sender::new(Report::default()),
            said: String::new(),
            guarded: Guarded::default(),
            due: Due::default(),
            retry: Retry::default(),
            applied: Attempt::default(),
            failed: None,
            contradicted: Vec::new(),
            waits_for: String::new(),
            is_locked: false,
            unseen: None,
            was_up: false,
            taken_down: false,
            policy: None,
            options,
        };
        keeper.let_go_of_what_a_former_configuration_had();
        keeper.everything_is_due();
        keeper.follow_config();
        keeper.bring_about();
        Ok(keeper)
    }

    /// When something that failed is tried again.
    pub const fn retry_at(&self) -> Option<Instant> {
        self.retry.at()
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
        if !self.contradicted.is_empty() {
            self.due.lists = true;
        }
        self.bring_about();
    }

    /// Notes how fetching feeds went, and takes their lists.
    pub fn fetched(&mut self, fetched: Vec<Fetched>) {
        for fetched in fetched {
            self.fetcher.note(fetched);
        }
        self.look();
    }

    /// Leaves the kernel as the configuration wants it after the agent.
    pub fn stop(self) -> Result<()> {
        match self.inputs.config.on_stop {
            OnStop::Keep => {
                let is_up = self.is_locked || !matches!(self.kernel.look(&[]), Ok(None));
                log::info!(
                    "stopped; {}",
                    if is_up {
                        "the filter stays in force (take it down: synwall down --all)"
                    } else {
                        "no filter is up"
                    }
                );
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
        self.guarded.forget();
        self.look_at_interfaces();
        self.due.lists = true;
        self.due.settings = true;
        self.due.anew = true;
        self.failed = None;
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
        self.failed = None;
        if found.config {
            log::info!("the configuration has changed");
            let config = &self.inputs.config;
            self.due.settings |= settings(config) != settings(&before);
            self.due.anew |= config.interfaces != before.interfaces;
            if self.due.settings || self.due.anew {
                self.taken_down = false;
            }
            if config.xdp != before.xdp {
                let there = self.guarded.protected().map(|interface| interface.index);
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

    /// Fetches what the configuration names.
    fn follow_config(&mut self) {
        let feeds = &self.inputs.feeds;
        self.fetcher
            .set(&self.inputs.config.feeds, feeds.store(), |name| {
                feeds.feed(name)?.1
            });
    }

    /// Finds interfaces that the filter should be on and that were not there when we last looked, or that returned.
    fn look_at_interfaces(&mut self) {
        let Some(all) = interfaces() else {
            return;
        };
        let new = self.guarded.look(&all, &self.inputs.config.interfaces);
        self.due.attach.extend(new);
        self.due.attach.retain(|index| self.guarded.has(*index));
    }

    fn bring_about(&mut self) {
        self.watch.set(&self.inputs.directories());
        self.server.set(
            self.inputs.config.metrics.as_ref(),
            &self.options.pin_dir,
            &self.report,
        );
        let is_put_off = self.failed.as_ref() == Some(&self.due) && self.retry.is_ahead();
        if !is_put_off {
            self.retry.begin();
        }
        let is_wanted = !self.due.is_nothing() && (!self.taken_down || self.due.anew);
        if !is_put_off {
            self.is_locked = is_wanted && self.apply() == Reached::Locked;
        }
        if self.inputs.are_unsettled() {
            self.retry.within(QUIET);
        }
        // Whoever has it locked would have to be waited for once more.
        if !self.is_locked {
            self.look_at_kernel();
        }
        self.failed = self.failed.take().map(|_| self.due.clone());
        self.tell();
        self.inputs.keep_copies(self.due.detach.is_empty());
    }

    fn apply(&mut self) -> Reached {
        let waits = self.waits();
        let mut attach = self.guarded.interfaces().to_vec();
        attach.retain(|interface| self.due.attach.contains(&interface.index));
        // A name that was to be let go may be wanted again by now.
        let mut detach = self.due.detach.clone();
        detach.retain(|name| !self.guarded.has_named(name));
        let wish = Wish {
            config: &self.inputs.config,
            rules: &self.wanted,
            goings: &self.inputs.feeds.goings(),
            lists: self.due.lists,
            settings: self.due.settings && !waits,
            attach: &attach,
            detach: &detach,
            create: (self.due.anew || !self.was_up) && !waits,
            only_again: waits,
            are_rules_current: &|| self.inputs.are_saved_lists_current(),
        };
        match self.kernel.bring_about(&wish) {
            Ok(outcome) => {
                self.take(outcome, waits);
                Reached::Filter
            }
            Err(error) => {
                self.fail(error.to_string());
                self.try_later();
                match error {
                    Error::Locked { .. } => Reached::Locked,
                    _ => Reached::Filter,
                }
            }
        }
    }

    /// Notes why the kernel is not what is wanted. What goes on failing is said once.
    fn fail(&mut self, error: String) {
        if self.applied.error.as_ref() != Some(&error) {
            log::error!("{error}");
        }
        self.applied.fail(error);
    }

    fn try_later(&mut self) {
        self.failed = Some(self.due.clone());
        self.retry.later();
    }

    /// Notes what was brought about, and what was not.
    fn take(&mut self, mut outcome: Outcome, waits: bool) {
        let failed = outcome.failed.take();
        match &failed {
            None => self.applied.succeed(),
            Some(error) => self.fail(error.to_string()),
        }
        if !outcome.is_up && self.was_up && !self.due.anew {
            log::warn!("the filter was taken down; it is left alone until the next reload");
            self.taken_down = true;
        }
        self.was_up |= outcome.is_up;
        let done = match (&failed, waits) {
            (Some(_), _) => Done::NotAll,
            (None, true) => Done::AllButDropping,
            (None, false) => Done::All,
        };
        self.due = std::mem::take(&mut self.due).rest(done, outcome.is_up);
        self.due.lists |= outcome.are_rules_old;
        self.guarded.refuse(&outcome.refused);
        let refused = outcome.refused.iter().map(|(interface, _)| interface.index);
        self.due.attach.extend(refused);
        if outcome.refused.is_empty() && failed.is_none() && !outcome.are_rules_old {
            self.failed = None;
            self.retry.succeed();
        } else {
            self.try_later();
        }
        log_outcome(&self.inputs.config, &outcome, &self.contradicted);
        if let Some(plan) = outcome.plan {
            self.contradicted = plan.contradicted;
        }
    }

    /// Whether what drops packets has to wait, since a list that is to be trusted has never been there.
    fn waits(&mut self) -> bool {
        let missing = match self.inputs.config.policy {
            Policy::Enforce => self.inputs.feeds.missing().join(", "),
            Policy::Observe => String::new(),
        };
        let waits = !missing.is_empty();
        if waits && missing != self.waits_for {
            log::warn!(
                "waiting for the first list of {missing}: to drop everybody else before it is there would drop whom it trusts"
            );
        }
        self.waits_for = missing;
        waits
    }

    /// Asks the kernel where the filter is. What went with its interface, and is back with it, is put on again; what somebody
    /// took off by hand is not.
    fn look_at_kernel(&mut self) {
        let found = match self.kernel.look(self.guarded.interfaces()) {
            Ok(found) => found,
            Err(error) => {
                let unseen = Some(error.to_string());
                if unseen != self.unseen {
                    log::error!("cannot look at the filter: {error}");
                }
                self.unseen = unseen;
                return;
            }
        };
        self.unseen = None;
        if found.is_some() && self.taken_down {
            // Somebody has set it up again, by hand. Its settings and interfaces are theirs; lists are brought up to date.
            self.taken_down = false;
            self.due = Due {
                lists: true,
                ..Due::default()
            };
            self.retry.within(Duration::ZERO);
        }
        let without_filter = if self.taken_down {
            "the filter was taken down"
        } else {
            "the filter is not up yet"
        };
        self.policy = found.as_ref().map(|seen| seen.policy);
        let unprotected = found.map(|seen| seen.unprotected);
        let attach = &self.due.attach;
        let returned = self
            .guarded
            .note(unprotected, without_filter, |index| attach.contains(&index));
        // Where it is, it need not be put any more, also when somebody takes it off by hand.
        for interface in self.guarded.protected() {
            self.due.attach.remove(&interface.index);
        }
        for index in returned {
            if self.due.attach.insert(index) {
                self.retry.later();
            }
        }
    }

    /// Tells who asks, and the service manager, how things are.
    fn tell(&mut self) {
        let inputs = &self.inputs;
        let feeds = inputs.config.feeds.iter().map(|feed| {
            let (prefixes, fetched) = inputs.feeds.feed(&feed.name).unwrap_or_default();
            let mut attempt = self.fetcher.attempt(&feed.name);
            attempt.succeeded = attempt.succeeded.max(fetched);
            if let Some(left_out) = inputs.feeds.left_out(&feed.name) {
                // Fetched or not, what is in force of it gets old.
                (attempt.succeeded, attempt.error) = (None, Some(left_out));
            }
            FeedReport {
                name: feed.name.clone(),
                origin: feed.origin.as_str().to_owned(),
                list: feed.action,
                prefixes,
                interval: (feed.from != From::BuiltIn).then_some(feed.interval),
                fetched: attempt,
            }
        });
        let protected = self.guarded.protected();
        let report = Report {
            config: inputs.reading.clone(),
            config_enforces: inputs.config.policy == Policy::Enforce,
            applied: self.applied.clone(),
            feeds: feeds.collect(),
            files: inputs.files.reports(),
            protected: protected.map(|interface| shown(&interface.name)).collect(),
            unprotected: self.guarded.unprotected().to_vec(),
            absent: self.guarded.absent(),
        };
        let line = report.line(self.policy, self.wanted.len());
        if line != self.said {
            service::status(&line);
            self.said = line;
        }
        self.report.send_replace(report);
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

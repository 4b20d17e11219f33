//! What follows from an event: what is wanted is compared with what is there, and brought about.

use std::{
    path::PathBuf,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};

use super::{
    due::{Done, Due},
    error::Result,
    event::{Event, Fetched},
    fetch::Fetcher,
    guarded::Guarded,
    inputs::{Found, Inputs},
    interfaces::select,
    journal::Journal,
    kernel::{Kernel, Outcome, Wish},
    report::{Attempt, FeedReport, Report},
    retry::Retry,
    server::Server,
    service,
    watch::Watch,
};
use crate::{
    config::contents::{Config, OnStop},
    feed::definition::Location,
    filter,
    model::{ports::PortSet, rules::Rules, settings::Policy},
    sys::{
        netlink::{self, Interface},
        signature::{QUIET, Reading},
    },
    text::shown,
};

/// What the agent is told on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration file.
    pub config: PathBuf,
    /// Where the filter is kept.
    pub pin_dir: PathBuf,
    /// Where last good copies are kept.
    pub state_dir: PathBuf,
}

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
    journal: Journal,
    /// Whether a prefix that is wanted is in another list by hand: nobody tells when it no longer is.
    is_contradicted: bool,
    /// Whether another command had the filter when something was last to be done to it.
    is_locked: bool,
    /// Whether the filter has been up since this agent came.
    was_up: bool,
    /// Whether somebody took the filter down by hand: then it is left alone until the next reload.
    taken_down: bool,
    /// The policy that is in force, if there is a filter: somebody may have set another one by hand.
    policy: Option<Policy>,
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
            journal: Journal::default(),
            is_contradicted: false,
            is_locked: false,
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
        } else {
            self.look_at_interfaces();
        }
        // Whoever reloads does not want to wait.
        self.retry.forget();
        self.bring_about();
    }

    /// Looks at everything, and does what follows.
    pub fn look(&mut self) {
        self.look_at_inputs(Reading::WhenQuiet);
        self.look_at_interfaces();
        if self.is_contradicted && !self.retry.is_ahead() {
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
        self.retry.forget();
        if found.config {
            let config = &self.inputs.config;
            if config.text != before.text {
                log::info!("the configuration has changed");
            }
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
        if self.retry.begin(&self.due) {
            self.is_locked = false;
            if !self.due.is_nothing() && (!self.taken_down || self.due.anew) {
                self.apply();
            }
        }
        if self.inputs.are_unsettled() {
            self.retry.within(QUIET);
        }
        // Whoever has it locked would have to be waited for once more.
        if !self.is_locked && self.look_at_kernel() && self.due.is_nothing() {
            // What failed may have come about by itself.
            self.applied.error = None;
            self.retry.forget();
        }
        self.retry.is_about(&self.due);
        self.tell();
        if self.applied.error.is_none() {
            self.inputs.keep_copies(self.due.detach.is_empty());
        }
    }

    fn apply(&mut self) {
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
            Ok(outcome) => self.take(outcome, waits),
            Err(error) => {
                self.is_locked = error.is_locked();
                self.fail(&error);
                self.retry.later(&self.due);
            }
        }
    }

    /// Notes why the kernel is not what is wanted. What goes on failing is said once.
    fn fail(&mut self, error: &filter::error::Error) {
        let error = match error {
            filter::error::Error::NobodyTrusted => "no trusted prefix: every new connection to the protected ports would be dropped, so what \
                was in force before stays so; trust somebody in the configuration ([trust]), or write policy = \"observe\""
                .to_owned(),
            error => error.to_string(),
        };
        if self.applied.error.as_ref() != Some(&error) {
            log::error!("{error}");
        }
        self.applied.fail(error);
    }

    /// Notes what was brought about, and what was not.
    fn take(&mut self, mut outcome: Outcome, waits: bool) {
        self.was_up |= outcome.is_up;
        if outcome.are_rules_old {
            self.retry.soon();
            return;
        }
        let failed = outcome.failed.take();
        match &failed {
            None => self.applied.succeed(),
            Some(error) => self.fail(error),
        }
        if !outcome.is_up {
            self.miss();
        }
        let done = match (&failed, waits) {
            (Some(_), _) => Done::NotAll,
            (None, true) => Done::AllButDropping,
            (None, false) => Done::All,
        };
        self.due = std::mem::take(&mut self.due).rest(done, outcome.is_up);
        self.guarded.refuse(&outcome.refused);
        let refused = outcome.refused.iter().map(|(interface, _)| interface.index);
        self.due.attach.extend(refused);
        if outcome.refused.is_empty() && failed.is_none() {
            self.retry.forget();
        } else {
            self.retry.later(&self.due);
        }
        self.journal.outcome(&self.inputs.config, &outcome);
        if let Some(plan) = outcome.plan {
            self.is_contradicted = !plan.contradicted.is_empty();
        }
    }

    /// There is no filter. If there was one, somebody took it down.
    fn miss(&mut self) {
        if self.was_up && !self.due.anew && !self.taken_down {
            log::warn!("the filter was taken down; it is left alone until the next reload");
            self.taken_down = true;
        }
    }

    /// Whether what drops packets has to wait, since a list that is to be trusted has never been there.
    fn waits(&mut self) -> bool {
        let missing = match self.inputs.config.policy {
            Policy::Enforce => self.inputs.feeds.missing().join(", "),
            Policy::Observe => String::new(),
        };
        let waits = !missing.is_empty();
        self.journal.waits_for(missing);
        waits
    }

    /// Asks the kernel where the filter is. What went with its interface, and is back with it, is put on again; what somebody
    /// took off by hand is not. Returns whether the kernel could be asked.
    fn look_at_kernel(&mut self) -> bool {
        let found = self.kernel.look(self.guarded.interfaces());
        self.journal.unseen(found.as_ref().err().map(ToString::to_string));
        let Ok(found) = found else {
            return false;
        };
        let is_anothers = self.was_up && !self.due.anew && !self.kernel.is_ours();
        let is_set_up_again = found.is_some() && (self.taken_down || is_anothers);
        if found.is_none() {
            self.miss();
        } else if is_set_up_again {
            // Somebody has set it up again, by hand. Its settings and interfaces are theirs; lists are brought up to date.
            self.taken_down = false;
            let lists = Due {
                lists: true,
                ..Due::default()
            };
            if self.due != lists {
                self.due = lists;
                self.retry.within(Duration::ZERO);
            }
        }
        let without_filter = if self.taken_down {
            "the filter was taken down"
        } else {
            "the filter is not up yet"
        };
        self.policy = found.as_ref().map(|seen| seen.policy);
        let unprotected = found.map(|seen| seen.unprotected);
        let returned = self.guarded.note(unprotected, without_filter, &self.due.attach);
        // Where it is, it need not be put any more, also when somebody takes it off by hand.
        for interface in self.guarded.protected() {
            self.due.attach.remove(&interface.index);
        }
        // In a filter that is not ours yet, it is its owner's.
        if !is_set_up_again {
            for index in returned {
                if self.due.attach.insert(index) {
                    self.retry.soon();
                }
            }
        }
        true
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
                interval: (feed.location != Location::BuiltIn).then_some(feed.interval),
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
    netlink::all().inspect_err(|error| log::error!("{error}")).ok()
}

/// What of a configuration every program is specialised for.
fn settings(config: &Config) -> (Policy, filter_common::DropLevel, &PortSet, &PortSet) {
    (config.policy, config.drop, &config.tcp, &config.udp)
}

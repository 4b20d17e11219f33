//! The reconcile loop: applies what is pending of the desired state, and observes the filter.

use std::time::Instant;

use super::{
    apply::{Changes, Desired, Outcome, Refused, Scope},
    apply_log::{self, ApplyLog},
    backoff::Cause,
    error::Result,
    inputs::Inputs,
    interfaces,
    kernel::Kernel,
    pending::{Completion, Pending},
    plan::Conflict,
    protection::Protection,
    report::Attempt,
    state::{Phase, State},
};
use crate::{
    config::contents::{Config, OnStop},
    filter,
    model::{ports::PortSet, rules::Rules, settings::Policy},
    sys::signature::QUIET,
};

/// Keeps the filter at the desired state.
pub struct Reconciler {
    kernel: Kernel,
    state: State,
    protection: Protection,
    applied: Attempt,
    log: ApplyLog,
    conflicts: Vec<Conflict>,
    observed_policy: Option<Policy>,
}

impl Reconciler {
    /// Everything is pending at first.
    pub fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            state: State::at_start(),
            protection: Protection::default(),
            applied: Attempt::default(),
            log: ApplyLog::default(),
            conflicts: Vec::new(),
            observed_policy: None,
        }
    }

    /// The state, to be told of inputs that have changed.
    pub const fn state(&mut self) -> &mut State {
        &mut self.state
    }

    /// When to run a round without an event.
    pub const fn wake_at(&self) -> Option<Instant> {
        self.state.wake_at()
    }

    /// What of the desired state has not been applied yet.
    pub const fn pending(&self) -> &Pending {
        self.state.pending()
    }

    /// When the last apply succeeded, and why the filter is not at the desired state.
    pub const fn applied(&self) -> &Attempt {
        &self.applied
    }

    /// The protection of the desired interfaces.
    pub const fn protection(&self) -> &Protection {
        &self.protection
    }

    /// The policy in force. `None` without a filter. An operator may have set another one than the configuration says.
    pub const fn observed_policy(&self) -> Option<Policy> {
        self.observed_policy
    }

    /// An operator asks for the filter, with a start or a reload: everything is pending, interfaces too that were detached by hand.
    pub fn request(&mut self, config: &Config) {
        self.protection.reset();
        self.select_interfaces(config);
        self.state.request();
    }

    /// Another configuration is in force.
    pub fn config_changed(&mut self, before: &Config, now: &Config) {
        self.state.config_changed(
            settings(now) != settings(before),
            now.interfaces != before.interfaces,
        );
        if now.xdp != before.xdp {
            let protected = self.protection.protected();
            self.state.attach(protected.map(|interface| interface.index));
        }
        self.detach_dropped(before, now);
    }

    /// Detaches from the interfaces that `before` names and `now` does not.
    pub fn detach_dropped(&mut self, before: &Config, now: &Config) {
        if let Some(all) = interfaces::all() {
            self.state
                .detach(interfaces::dropped(&all, &before.interfaces, &now.interfaces));
        }
    }

    /// Selects the desired interfaces, and attaches to those that have appeared since the last time.
    pub fn select_interfaces(&mut self, config: &Config) {
        let Some(all) = interfaces::all() else {
            return;
        };
        let new = self.protection.select(&all, &config.interfaces);
        self.state.attach(new);
        self.state.retain_attach(|index| self.protection.has(index));
    }

    /// Plans the lists again if operators hold some desired prefixes in other lists. No event tells when they let go.
    pub fn recheck_conflicts(&mut self) {
        if !self.conflicts.is_empty() {
            self.state.recheck_conflicts();
        }
    }

    /// Runs one round: applies what is pending, unless it is backing off, and observes the filter.
    pub fn reconcile(&mut self, inputs: &Inputs, rules: &Rules) {
        if self.state.begin() {
            self.apply(inputs, rules);
        }
        if inputs.are_unsettled() {
            self.state.wake_within(QUIET);
        }
        // While another command holds the lock, an observation would wait for it in vain, as the apply did.
        if !self.state.is_busy() && self.observe() && self.state.observed() {
            self.applied.error = None;
        }
        self.state.end_round();
    }

    /// Leaves the filter as the configuration wants it when the agent ends.
    pub fn stop(self, on_stop: OnStop) -> Result<()> {
        match on_stop {
            OnStop::Keep => {
                let is_up = self.state.is_busy() || !matches!(self.kernel.observe(&[]), Ok(None));
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

    fn apply(&mut self, inputs: &Inputs, rules: &Rules) {
        let scope = self.scope(inputs);
        let pending = self.state.pending();
        let mut attach = self.protection.interfaces().to_vec();
        attach.retain(|interface| pending.attach.contains(&interface.index));
        // The configuration may name an interface again that it had dropped.
        let mut detach = pending.detach.clone();
        detach.retain(|name| !self.protection.has_named(name));
        let desired = Desired {
            config: &inputs.config,
            rules,
            removals: &inputs.feeds.removals(),
            are_rules_current: &|| inputs.are_saved_lists_current(),
            scope,
            lists: pending.lists,
            settings: pending.settings,
            attach: &attach,
            detach: &detach,
        };
        let completion = match scope {
            Scope::NoNewDrops => Completion::AllButDrops,
            Scope::Create | Scope::Update => Completion::All,
        };
        match self.kernel.apply(&desired) {
            Ok(Outcome::Outdated) => self.state.outdated(),
            Ok(Outcome::Missing { refused }) => {
                self.applied.succeed();
                self.found_missing();
                self.record_applied(completion, false, &refused);
                self.log.missing();
            }
            Ok(Outcome::Up(changes)) => self.record_changes(*changes, completion, &inputs.config),
            Err(error) => {
                self.record_failure(&error);
                self.state.failed(if error.is_locked() {
                    Cause::Busy
                } else {
                    Cause::Refused
                });
            }
        }
    }

    fn scope(&mut self, inputs: &Inputs) -> Scope {
        let missing = match inputs.config.policy {
            Policy::Enforce => inputs.feeds.missing().join(", "),
            Policy::Observe => String::new(),
        };
        let scope = match self.state.phase() {
            _ if !missing.is_empty() => Scope::NoNewDrops,
            Phase::Desired => Scope::Create,
            Phase::Applied | Phase::TakenDown => Scope::Update,
        };
        self.log.waits_for(missing);
        scope
    }

    fn record_changes(&mut self, changes: Changes, completion: Completion, config: &Config) {
        let completion = match &changes.failed {
            None => {
                self.applied.succeed();
                completion
            }
            Some(error) => {
                self.record_failure(error);
                Completion::Partial
            }
        };
        self.record_applied(completion, true, &changes.refused);
        self.log.applied(config, &changes, &self.conflicts);
        if let Some(plan) = changes.plan {
            self.conflicts = plan.conflicts;
        }
    }

    fn record_applied(&mut self, completion: Completion, is_up: bool, refused: &[Refused]) {
        let indices = refused.iter().map(|(interface, _)| interface.index);
        self.state.applied(completion, is_up, indices.collect());
        self.protection.record_refused(refused);
    }

    fn record_failure(&mut self, error: &filter::error::Error) {
        let message = apply_log::failed(error, self.applied.error.as_deref());
        self.applied.fail(message);
    }

    fn found_missing(&mut self) {
        if self.state.found_missing() {
            log::warn!("the filter was taken down; it is left alone until the next reload");
        }
    }

    /// Observes the filter. An interface that is back is attached to again; one that an operator detached is not. Returns
    /// whether the filter could be observed.
    fn observe(&mut self) -> bool {
        let observed = self.kernel.observe(self.protection.interfaces());
        self.log
            .unobservable(observed.as_ref().err().map(ToString::to_string));
        let Ok(observed) = observed else {
            return false;
        };
        let is_operators = if observed.is_some() {
            self.state.found_up(self.kernel.is_ours())
        } else {
            self.found_missing();
            false
        };
        let without_filter = match self.state.phase() {
            Phase::TakenDown => "the filter was taken down",
            Phase::Desired | Phase::Applied => "the filter is not up yet",
        };
        self.observed_policy = observed.as_ref().map(|observed| observed.policy);
        let unprotected = observed.map(|observed| observed.unprotected);
        let pending = &self.state.pending().attach;
        let returned = self
            .protection
            .record_observed(unprotected, without_filter, pending);
        let protected = self.protection.protected();
        self.state
            .found_attached(protected.map(|interface| interface.index));
        // An operator who has set the filter up by hand chooses its interfaces.
        if !is_operators {
            self.state.found_returned(returned);
        }
        true
    }
}

/// The settings that the programs are specialised for.
fn settings(config: &Config) -> (Policy, filter_common::DropLevel, &PortSet, &PortSet) {
    (config.policy, config.drop, &config.tcp, &config.udp)
}

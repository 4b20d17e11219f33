//! The state machine of the reconcile loop.
//!
//! A state has two independent parts. The [`Phase`] says what the agent may conclude when it finds no filter:
//!
//! | event | from `Desired` | from `Applied` | from `TakenDown` |
//! |---|---|---|---|
//! | start or reload | `Desired` | `Desired` | `Desired` |
//! | the configuration names other interfaces | `Desired` | `Desired` | `Desired` |
//! | the configuration changes while settings are pending | `Desired` | `Applied` | `Applied`: one more apply |
//! | an apply finds or creates the filter | `Applied` | `Applied` | never: no apply is made |
//! | an apply or an observation finds no filter | `Desired` | `TakenDown` | `TakenDown` |
//! | an observation finds our filter | `Desired` | `Applied` | `Applied`, only lists pending |
//! | an observation finds another filter | `Desired` | `Applied`, only lists pending | `Applied`, only lists pending |
//!
//! In the phases `Desired` and `Applied`, pending work is either ready for an attempt or backing off:
//!
//! | event | from ready | from backing off |
//! |---|---|---|
//! | an attempt fails | backing off, 1 s | backing off: the delay doubles, to 60 s at most |
//! | an attempt succeeds | ready | ready |
//! | an attempt finds its inputs outdated | ready in 1 s | ready in 1 s |
//! | the delay is over | | one more attempt |
//! | other work becomes pending | ready | one attempt at once |
//! | inputs change, or a reload | ready | ready |
//! | an observation shows that nothing is pending | ready | ready |

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{
    backoff::{Backoff, Cause},
    pending::{Completion, Pending},
};

/// What the agent may conclude when it finds no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The filter has not been up since an operator asked for it: the agent creates it where there is none.
    Desired,
    /// The filter has been up since then: if there is none now, an operator took it down.
    Applied,
    /// An operator took the filter down: the agent leaves it alone until an operator asks for it again.
    TakenDown,
}

/// The state of the reconcile loop.
#[derive(Debug)]
pub struct State {
    phase: Phase,
    pending: Pending,
    backoff: Backoff,
}

impl State {
    /// Lists and settings are pending.
    pub fn at_start() -> Self {
        let mut state = Self {
            phase: Phase::Desired,
            pending: Pending::default(),
            backoff: Backoff::default(),
        };
        state.request();
        state
    }

    /// The phase.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What of the desired state has not been applied yet.
    pub const fn pending(&self) -> &Pending {
        &self.pending
    }

    /// When the agent wakes up by itself.
    pub const fn wake_at(&self) -> Option<Instant> {
        self.backoff.wake_at()
    }

    /// Whether another command held the filter's lock in the last attempt. An observation would have to wait for it, too.
    pub fn is_busy(&self) -> bool {
        self.backoff.is_busy()
    }

    /// An operator asks for the filter, with a start or a reload.
    pub fn request(&mut self) {
        self.phase = Phase::Desired;
        self.pending.lists = true;
        self.pending.settings = true;
        self.backoff.reset();
    }

    /// An operator does not want to wait for a delay.
    pub fn retry_now(&mut self) {
        self.backoff.reset();
    }

    /// The desired lists may have changed.
    pub fn inputs_changed(&mut self) {
        self.pending.lists = true;
        self.backoff.reset();
    }

    /// Another configuration is in force. The arguments say whether its settings or its interfaces are other ones.
    pub fn config_changed(&mut self, settings: bool, interfaces: bool) {
        self.pending.settings |= settings;
        if interfaces {
            self.phase = Phase::Desired;
        } else if self.phase == Phase::TakenDown && self.pending.settings {
            // The apply finds no filter, and the log says once more that it was taken down.
            self.phase = Phase::Applied;
        }
    }

    /// Operators hold some prefixes in other lists by hand, and no event tells when they let go: plan the lists again with each
    /// look.
    pub fn recheck_conflicts(&mut self) {
        if !self.backoff.is_scheduled() {
            self.pending.lists = true;
        }
    }

    /// The filter should be attached to these interfaces.
    pub fn attach(&mut self, indices: impl IntoIterator<Item = u32>) {
        self.pending.attach.extend(indices);
    }

    /// Of the interfaces to attach to, only these are still there.
    pub fn retain_attach(&mut self, is_there: impl Fn(u32) -> bool) {
        self.pending.attach.retain(|index| is_there(*index));
    }

    /// The filter should be detached from these interfaces.
    pub fn detach(&mut self, names: impl IntoIterator<Item = String>) {
        self.pending.detach.extend(names);
    }

    /// An input may change again within `delay`.
    pub fn wake_within(&mut self, delay: Duration) {
        self.backoff.wake_within(delay);
    }

    /// Whether to apply what is pending now.
    pub fn begin(&mut self) -> bool {
        self.backoff.begin(&self.pending) && !self.pending.is_empty() && self.phase != Phase::TakenDown
    }

    /// An apply ended. `refused` are the indices of the interfaces that refused the filter.
    pub fn applied(&mut self, completion: Completion, is_up: bool, refused: BTreeSet<u32>) {
        if is_up {
            self.phase = Phase::Applied;
        }
        self.pending = std::mem::take(&mut self.pending).after(completion, is_up);
        let is_complete = completion != Completion::Partial && refused.is_empty();
        self.pending.attach.extend(refused);
        if is_complete {
            self.backoff.reset();
        } else {
            self.backoff.fail(&self.pending, Cause::Refused);
        }
    }

    /// An apply failed before it changed anything.
    pub fn failed(&mut self, cause: Cause) {
        self.backoff.fail(&self.pending, cause);
    }

    /// An apply found that its inputs were outdated.
    pub fn outdated(&mut self) {
        self.backoff.retry_soon();
    }

    /// There is no filter. Returns whether that is news: an operator has taken it down.
    pub fn found_missing(&mut self) -> bool {
        let is_news = self.phase == Phase::Applied;
        if is_news {
            self.phase = Phase::TakenDown;
        }
        is_news
    }

    /// There is a filter, and `is_ours` says whether it is the one that this agent is in charge of. Returns whether an operator has
    /// set it up again. Then its settings and interfaces are the operator's, and the agent updates only its lists.
    pub fn found_up(&mut self, is_ours: bool) -> bool {
        let is_set_up_again = match self.phase {
            Phase::Desired => false,
            Phase::Applied => !is_ours,
            Phase::TakenDown => true,
        };
        if is_set_up_again {
            self.phase = Phase::Applied;
            if self.pending != Pending::lists() {
                self.pending = Pending::lists();
                self.backoff.wake_within(Duration::ZERO);
            }
        }
        is_set_up_again
    }

    /// The filter is on these interfaces. If an operator detaches it later, it stays detached.
    pub fn found_attached(&mut self, indices: impl Iterator<Item = u32>) {
        for index in indices {
            self.pending.attach.remove(&index);
        }
    }

    /// These interfaces are back, without their programs.
    pub fn found_returned(&mut self, indices: impl IntoIterator<Item = u32>) {
        for index in indices {
            if self.pending.attach.insert(index) {
                self.backoff.retry_soon();
            }
        }
    }

    /// The observation of this round is complete. Returns whether nothing is pending: failed work may have been done by others.
    pub fn observed(&mut self) -> bool {
        let is_converged = self.pending.is_empty();
        if is_converged {
            self.backoff.reset();
        }
        is_converged
    }

    /// A round ends. Only work that becomes pending after it is new.
    pub fn end_round(&mut self) {
        self.backoff.narrow(&self.pending);
    }
}

#[cfg(test)]
mod tests;

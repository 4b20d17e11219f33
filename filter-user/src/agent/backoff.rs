//! Exponential backoff: when failed work is tried again, and when the agent wakes up by itself.

use std::time::{Duration, Instant};

use super::pending::Pending;

/// The shortest and the longest delay between two attempts.
const DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// When the next attempt is made.
#[derive(Debug, Default)]
pub struct Backoff {
    wake_at: Option<Instant>,
    /// The last failure, until its work succeeds or is no longer what is pending.
    failure: Option<Failure>,
}

/// A failed attempt.
#[derive(Debug)]
struct Failure {
    /// What was pending: this work backs off, and no other.
    pending: Pending,
    delay: Duration,
    cause: Cause,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Another command held the filter's lock until the attempt timed out.
    Busy,
    /// Anything else.
    Refused,
}

impl Backoff {
    /// When the agent wakes up, if an attempt or another look is scheduled.
    pub const fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Whether an attempt or another look is scheduled for later.
    pub fn is_scheduled(&self) -> bool {
        self.wake_at.is_some_and(|at| at > Instant::now())
    }

    /// Whether the last attempt found the filter's lock held, and no other attempt has begun since.
    pub fn is_busy(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| failure.cause == Cause::Busy)
    }

    /// Begins an attempt, unless `pending` is backing off. The attempt then decides when the next one is made.
    pub fn begin(&mut self, pending: &Pending) -> bool {
        if self.has_failed(pending) && self.is_scheduled() {
            return false;
        }
        self.wake_at = None;
        if let Some(failure) = &mut self.failure {
            // The lock may be free by now.
            failure.cause = Cause::Refused;
        }
        true
    }

    /// The attempt has left `pending`. When the same work fails again, its delay doubles.
    pub fn fail(&mut self, pending: &Pending, cause: Cause) {
        let delay = match &self.failure {
            Some(failure) if failure.pending == *pending => (failure.delay * 2).min(DELAYS.1),
            _ => DELAYS.0,
        };
        self.failure = Some(Failure {
            pending: pending.clone(),
            delay,
            cause,
        });
        self.wake_within(delay);
    }

    /// The failed work is now `pending`: an observation has shown that some of it is no longer necessary.
    pub fn narrow(&mut self, pending: &Pending) {
        if let Some(failure) = &mut self.failure {
            failure.pending.clone_from(pending);
        }
    }

    /// Ends the backoff: the work succeeded, or its inputs have changed.
    pub fn reset(&mut self) {
        self.failure = None;
    }

    /// Ends the backoff, and schedules an attempt after the shortest delay.
    pub fn retry_soon(&mut self) {
        self.reset();
        self.wake_within(DELAYS.0);
    }

    /// Wakes the agent up after `delay`, or sooner if it is scheduled sooner.
    pub fn wake_within(&mut self, delay: Duration) {
        let at = Instant::now() + delay;
        self.wake_at = Some(self.wake_at.map_or(at, |sooner| sooner.min(at)));
    }

    fn has_failed(&self, pending: &Pending) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| failure.pending == *pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In how many seconds the agent wakes up, rounded up.
    fn seconds(backoff: &Backoff) -> u64 {
        let wait = backoff
            .wake_at()
            .unwrap()
            .saturating_duration_since(Instant::now());
        wait.as_millis().div_ceil(1000).try_into().unwrap()
    }

    fn attach(index: u32) -> Pending {
        Pending {
            attach: [index].into(),
            ..Pending::default()
        }
    }

    fn elapse(backoff: &mut Backoff) {
        backoff.wake_at = Some(Instant::now());
    }

    #[test]
    fn it_is_tried_again_less_and_less_often_until_it_succeeds() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.wake_at(), None);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(backoff.begin(&attach(1)));
            assert_eq!(backoff.wake_at(), None);
            backoff.fail(&attach(1), Cause::Refused);
            assert_eq!(seconds(&backoff), expected);
            assert!(!backoff.begin(&attach(1)));
            assert_eq!(seconds(&backoff), expected);
            elapse(&mut backoff);
        }
        assert!(backoff.begin(&attach(1)));
        backoff.reset();
        assert_eq!(backoff.wake_at(), None);
        backoff.fail(&attach(1), Cause::Refused);
        assert_eq!(seconds(&backoff), 1);
    }

    #[test]
    fn something_else_does_not_wait_for_what_failed() {
        let mut backoff = Backoff::default();
        for _ in 0..8 {
            assert!(backoff.begin(&attach(1)));
            backoff.fail(&attach(1), Cause::Refused);
            elapse(&mut backoff);
        }
        backoff.fail(&attach(1), Cause::Refused);
        assert!(backoff.begin(&attach(2)));
        backoff.fail(&attach(2), Cause::Refused);
        assert_eq!(seconds(&backoff), 1, "it failed for the first time");
        backoff.narrow(&attach(3));
        assert!(!backoff.begin(&attach(3)));
        backoff.retry_soon();
        assert!(backoff.begin(&attach(3)));
    }

    #[test]
    fn what_is_due_sooner_is_not_put_off() {
        let mut backoff = Backoff::default();
        backoff.wake_within(Duration::from_secs(10));
        backoff.wake_within(Duration::from_secs(20));
        assert_eq!(seconds(&backoff), 10);
        backoff.retry_soon();
        assert_eq!(seconds(&backoff), 1);
    }
}

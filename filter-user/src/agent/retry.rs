//! When what failed is tried again: soon, and then less and less often.

use std::time::{Duration, Instant};

use super::due::Due;

/// Between a failure and the next attempt, at the first and at the most.
const DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// When the next attempt is due.
#[derive(Debug, Default)]
pub struct Retry {
    at: Option<Instant>,
    /// How long the last one was waited for.
    delay: Option<Duration>,
    /// What was due when it could not all be done: that waits for its time, and nothing else does.
    failed: Option<Due>,
}

impl Retry {
    /// When it is due, if it is at all.
    pub const fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Whether it has yet to come.
    pub fn is_ahead(&self) -> bool {
        self.at.is_some_and(|at| at > Instant::now())
    }

    /// Whether that is tried now. Then what comes of it says whether another attempt is due.
    pub fn begin(&mut self, due: &Due) -> bool {
        let waits = self.failed.as_ref() == Some(due) && self.is_ahead();
        if !waits {
            self.at = None;
        }
        !waits
    }

    /// It failed, and that is still due. The next attempt is waited for twice as long as this one was, if it is about the same.
    pub fn later(&mut self, due: &Due) {
        let delay = match self.delay {
            Some(delay) if self.failed.as_ref() == Some(due) => (delay * 2).min(DELAYS.1),
            _ => DELAYS.0,
        };
        self.delay = Some(delay);
        self.failed = Some(due.clone());
        self.within(delay);
    }

    /// What failed is due in other words by now, and no more of it.
    pub fn is_about(&mut self, due: &Due) {
        if self.failed.is_some() {
            self.failed = Some(due.clone());
        }
    }

    /// Whatever is due does not wait: it succeeded, or something has changed.
    pub fn forget(&mut self) {
        (self.delay, self.failed) = (None, None);
    }

    /// An attempt at what has just become due is made in a moment, whatever else failed.
    pub fn soon(&mut self) {
        self.forget();
        self.within(DELAYS.0);
    }

    /// Another one is due after that time, if none is before.
    pub fn within(&mut self, time: Duration) {
        let at = Instant::now() + time;
        self.at = Some(self.at.map_or(at, |sooner| sooner.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In how many seconds it is due, rounded up.
    fn seconds(retry: &Retry) -> u64 {
        let wait = retry.at().unwrap().saturating_duration_since(Instant::now());
        wait.as_millis().div_ceil(1000).try_into().unwrap()
    }

    /// That interface is due.
    fn attach(index: u32) -> Due {
        Due {
            attach: [index].into(),
            ..Due::default()
        }
    }

    /// As if its time had come.
    fn wait(retry: &mut Retry) {
        retry.at = Some(Instant::now());
    }

    #[test]
    fn it_is_tried_again_less_and_less_often_until_it_succeeds() {
        let mut retry = Retry::default();
        assert_eq!(retry.at(), None);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(retry.begin(&attach(1)));
            assert_eq!(retry.at(), None);
            retry.later(&attach(1));
            assert_eq!(seconds(&retry), expected);
            assert!(!retry.begin(&attach(1)));
            assert_eq!(seconds(&retry), expected);
            wait(&mut retry);
        }
        assert!(retry.begin(&attach(1)));
        retry.forget();
        assert_eq!(retry.at(), None);
        retry.later(&attach(1));
        assert_eq!(seconds(&retry), 1);
    }

    #[test]
    fn something_else_does_not_wait_for_what_failed() {
        let mut retry = Retry::default();
        for _ in 0..8 {
            assert!(retry.begin(&attach(1)));
            retry.later(&attach(1));
            wait(&mut retry);
        }
        retry.later(&attach(1));
        assert!(retry.begin(&attach(2)));
        retry.later(&attach(2));
        assert_eq!(seconds(&retry), 1, "it failed for the first time");
        retry.is_about(&attach(3));
        assert!(!retry.begin(&attach(3)));
        retry.soon();
        assert!(retry.begin(&attach(3)));
    }

    #[test]
    fn what_is_due_sooner_is_not_put_off() {
        let mut retry = Retry::default();
        retry.within(Duration::from_secs(10));
        retry.within(Duration::from_secs(20));
        assert_eq!(seconds(&retry), 10);
        retry.soon();
        assert_eq!(seconds(&retry), 1);
    }
}

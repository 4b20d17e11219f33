//! When what failed is tried again: soon, and then less and less often.

use std::time::{Duration, Instant};

/// Between a failure and the next attempt, at the first and at the most.
const DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// When the next attempt is due.
#[derive(Debug, Default)]
pub struct Retry {
    at: Option<Instant>,
    /// How long the last one was waited for.
    delay: Option<Duration>,
}

impl Retry {
    /// When it is due, if it is at all.
    pub const fn at(&self) -> Option<Instant> {
        self.at
    }

    /// An attempt begins: what comes of it says whether another one is due.
    pub const fn begin(&mut self) {
        self.at = None;
    }

    /// Whether it has yet to come.
    pub fn is_ahead(&self) -> bool {
        self.at.is_some_and(|at| at > Instant::now())
    }

    /// It failed. The next one is waited for twice as long as this one was.
    pub fn later(&mut self) {
        let delay = self.delay.map_or(DELAYS.0, |delay| (delay * 2).min(DELAYS.1));
        self.delay = Some(delay);
        self.within(delay);
    }

    /// It succeeded: the next failure is the first one.
    pub const fn succeed(&mut self) {
        self.delay = None;
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

    #[test]
    fn it_is_tried_again_less_and_less_often_until_it_succeeds() {
        let mut retry = Retry::default();
        assert_eq!(retry.at(), None);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            retry.begin();
            assert_eq!(retry.at(), None);
            retry.later();
            assert_eq!(seconds(&retry), expected);
        }
        retry.begin();
        retry.succeed();
        assert_eq!(retry.at(), None);
        retry.later();
        assert_eq!(seconds(&retry), 1);
    }

    #[test]
    fn what_is_due_sooner_is_not_put_off() {
        let mut retry = Retry::default();
        retry.within(Duration::from_secs(10));
        retry.within(Duration::from_secs(20));
        assert_eq!(seconds(&retry), 10);
        retry.within(Duration::from_secs(5));
        assert_eq!(seconds(&retry), 5);
    }
}

//! Rates: how much more was counted over a time that was measured.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// How much of `more` fell on a second, to the nearest whole number.
pub fn per_second(more: u64, time: Duration) -> u64 {
    let (second, time) = (Duration::from_secs(1).as_nanos(), time.as_nanos().max(1));
    let rate = (u128::from(more) * second + time / 2) / time;
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// Rates from one reading to the next.
#[derive(Debug)]
pub struct Rates<K> {
    before: Option<Round<K>>,
    now: Option<Round<K>>,
}

/// When a reading was taken, and the counts that somebody asked about.
type Round<K> = (Instant, HashMap<K, u64>);

impl<K> Default for Rates<K> {
    fn default() -> Self {
        Self {
            before: None,
            now: None,
        }
    }
}

impl<K: Eq + Hash> Rates<K> {
    /// Begins with the next reading, which was taken `at` that time.
    pub fn next(&mut self, at: Instant) {
        self.before = self.now.replace((at, HashMap::new()));
    }

    /// How much more was counted in a second; `None` for what the reading before did not count.
    pub fn rate(&mut self, key: K, count: u64) -> Option<u64> {
        let (at, counts) = self.now.as_mut()?;
        let before = self.before.as_ref();
        let rate = before.and_then(|(then, before)| {
            let more = count.saturating_sub(*before.get(&key)?);
            Some(per_second(more, at.saturating_duration_since(*then)))
        });
        counts.insert(key, count);
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_over_the_time_that_went_by() {
        for (more, milliseconds, expected) in [
            (0, 5, 0),
            (1, 5, 200),
            (10, 3000, 3),
            (11, 3000, 4),
            (u64::MAX, 1, u64::MAX),
        ] {
            assert_eq!(
                per_second(more, Duration::from_millis(milliseconds)),
                expected,
                "{more}"
            );
        }
        assert_eq!(per_second(0, Duration::ZERO), 0);
    }

    #[test]
    fn what_the_reading_before_did_not_have_has_no_rate() {
        let mut rates = Rates::default();
        let start = Instant::now();
        rates.next(start);
        assert_eq!(rates.rate("a", 100), None);
        rates.next(start + Duration::from_secs(2));
        assert_eq!(rates.rate("a", 120), Some(10));
        assert_eq!(rates.rate("b", 7), None);
        rates.next(start + Duration::from_secs(3));
        // A counter that began anew.
        assert_eq!(rates.rate("a", 3), Some(0));
        assert_eq!(rates.rate("b", 12), Some(5));
    }
}

//! When a feed is fetched next.

use std::time::{Duration, SystemTime};

use super::definition::Feed;

/// The first wait after a failure.
const SOON: Duration = Duration::from_secs(60);
/// A random delay at start-up, so that agents do not ask at the same moment.
const START: Duration = Duration::from_secs(2);

/// The wait before the first fetch of an agent, if the last good list was fetched at `fetched`. A time in the future is
/// from a wrong clock.
pub fn first(feed: &Feed, fetched: Option<SystemTime>, now: SystemTime) -> Duration {
    let age = fetched.and_then(|fetched| now.duration_since(fetched).ok());
    match age.and_then(|age| feed.interval.checked_sub(age)) {
        Some(left) => left + random(feed.jitter),
        None => random(START.min(feed.jitter)),
    }
}

/// The wait before the next fetch, after this many failures in a row.
pub fn next(feed: &Feed, failures: u32) -> Duration {
    let soon = SOON.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let wait = if failures == 0 {
        feed.interval
    } else {
        soon.min(feed.interval)
    };
    wait + random(feed.jitter.min(wait))
}

fn random(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::provider;

    fn feed() -> Feed {
        Feed {
            interval: Duration::from_secs(3600),
            jitter: Duration::from_secs(300),
            ..provider::feed("qrator").unwrap()
        }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    #[test]
    fn the_first_attempt_comes_when_the_list_is_old_enough() {
        let seconds = Duration::from_secs;
        for (fetched, least, most) in [
            (None, 0, 2),
            (Some(now()), 3600, 3900),
            (Some(now() - seconds(3000)), 600, 900),
            (Some(now() - seconds(3601)), 0, 2),
            (Some(now() - seconds(1_000_000_000)), 0, 2),
            (Some(SystemTime::UNIX_EPOCH), 0, 2),
            // The clock was wrong then, or is wrong now.
            (Some(now() + seconds(1)), 0, 2),
            (Some(now() + seconds(1_000_000_000)), 0, 2),
        ] {
            let wait = first(&feed(), fetched, now());
            assert!(
                seconds(least) <= wait && wait <= seconds(most),
                "{fetched:?}: {wait:?}"
            );
        }
    }

    #[test]
    fn after_a_failure_it_is_tried_sooner_and_then_less_and_less_often() {
        for (failures, least) in [
            (0, 3600),
            (1, 60),
            (2, 120),
            (3, 240),
            (6, 1920),
            (7, 3600),
            (u32::MAX, 3600),
        ] {
            let wait = next(&feed(), failures);
            let most = least + 300.min(least);
            assert!((least..=most).contains(&wait.as_secs()), "{failures}: {wait:?}");
        }
    }
}

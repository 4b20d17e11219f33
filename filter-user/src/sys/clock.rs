//! Reads `CLOCK_MONOTONIC`, the clock that the kernel program compares deadlines with.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::error::{Doing as _, Result};

/// The current time of `CLOCK_MONOTONIC` in nanoseconds. This clock stands still while the machine is suspended.
pub fn now_ns() -> Result<u64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).doing(|| "cannot read CLOCK_MONOTONIC".into())?;
    Ok(u64::try_from(Duration::from(now).as_nanos()).unwrap_or(u64::MAX))
}

/// The time of `CLOCK_MONOTONIC` when `duration` will have passed, in nanoseconds.
pub fn deadline_ns(duration: Duration) -> Result<u64> {
    Ok(now_ns()?.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}

//! `CLOCK_MONOTONIC`, the clock that the kernel program reads.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::error::{Doing as _, Result};

/// Now, in nanoseconds since the machine started.
pub fn now_ns() -> Result<u64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).doing(|| "cannot read CLOCK_MONOTONIC".into())?;
    Ok(u64::try_from(Duration::from(now).as_nanos()).unwrap_or(u64::MAX))
}

/// `duration` from now.
pub fn deadline_ns(duration: Duration) -> Result<u64> {
    Ok(now_ns()?.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}

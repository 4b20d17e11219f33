//! What ends the demo early: a claim that did not hold, or the user.

use std::sync::atomic::{AtomicBool, Ordering};

/// Why the demo stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// The user interrupted the demo with a signal.
    Interrupted,
    /// A claim of the demo did not hold.
    Unmet {
        /// What the demo expected.
        expected: String,
        /// What happened instead.
        seen: String,
    },
}

/// Goes on only if the claim holds.
pub(super) fn expect(holds: bool, expected: impl Into<String>, seen: impl Into<String>) -> Result<(), Stop> {
    if holds {
        Ok(())
    } else {
        Err(Stop::Unmet {
            expected: expected.into(),
            seen: seen.into(),
        })
    }
}

/// Goes on only if no signal has come.
pub(super) fn go_on(interrupted: &AtomicBool) -> Result<(), Stop> {
    if interrupted.load(Ordering::Relaxed) {
        Err(Stop::Interrupted)
    } else {
        Ok(())
    }
}

//! The demo: shows a newcomer in half a minute what synwall does, and checks every claim that it makes.
//!
//! It runs in its own laboratory ([`crate::lab`]). The exit code is 1 if a claim did not hold, and 130 if the demo
//! was interrupted.

mod expectation;
mod flood;
mod narrator;
mod reach;
mod steps;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::lab::must;
use expectation::Stop;
use narrator::Narrator;

const INTERRUPTED: u8 = 130;

/// Runs the demo and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The order matters: the second signal then ends the demo at once, and the kernel ends what the demo started.
        let impatient =
            flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(&interrupted));
        must("watch for signals", impatient);
        must(
            "watch for signals",
            flag::register(signal, Arc::clone(&interrupted)),
        );
    }
    let mut narrator = Narrator::new();
    // The laboratory panics if it cannot be built. What already stands must be removed then, too.
    let result = catch_unwind(AssertUnwindSafe(|| steps::all(&mut narrator, &interrupted)));
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Stop::Interrupted)) => {
            narrator.interrupted();
            ExitCode::from(INTERRUPTED)
        }
        Ok(Err(Stop::Unmet { expected, seen })) => {
            narrator.failed(&expected, &seen);
            ExitCode::FAILURE
        }
        Err(_) => {
            narrator.failed("that the laboratory works", "the message above");
            ExitCode::FAILURE
        }
    }
}

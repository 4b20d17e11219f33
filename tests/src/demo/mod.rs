//! The demo: a newcomer sees in half a minute what synwall does, and every claim is checked as it is made.
//!
//! It runs in a laboratory of its own ([`crate::lab`]), and ends with 1 if any claim did not hold and with 130
//! if it was interrupted.

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
        // In this order: a second signal ends the demo at once, and the kernel ends what the demo started.
        let impatient =
            flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(&interrupted));
        must("watch for signals", impatient);
        must(
            "watch for signals",
            flag::register(signal, Arc::clone(&interrupted)),
        );
    }
    let mut narrator = Narrator::new();
    // The laboratory panics where it cannot be built; that, too, has to take down what stands already.
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

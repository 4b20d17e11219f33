//! Tests that share no process with others: what they change or measure belongs to the process or to the whole machine.
//! They run one after another.

use std::sync::{Mutex, MutexGuard, PoisonError};

mod load;
mod verifier;

/// The test that holds this is the only one that runs.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

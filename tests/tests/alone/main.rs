//! Tests that run alone, one after another. What they change or measure belongs to the whole process or the whole
//! machine.

use std::sync::{Mutex, MutexGuard, PoisonError};

mod load;
mod verifier;

/// Takes the lock that lets only one of these tests run.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

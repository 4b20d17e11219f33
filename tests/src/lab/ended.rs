//! Stops the threads that run beside a test when it ends, also when it fails. Otherwise they would run for ever.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Sets a flag when it is dropped.
#[derive(Debug)]
pub struct Ended<'a>(pub &'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

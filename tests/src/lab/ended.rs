//! The end of what goes on beside a test, also when the test fails: its threads would go on for ever.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Sets a flag when it is dropped.
#[derive(Debug)]
pub struct Ended<'a>(pub &'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

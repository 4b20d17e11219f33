//! How far a change is that takes its time, for whoever watches it from another thread.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Entries that are done, and those that are to be.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// So many will be to do.
    pub fn expect(&self, total: usize) {
        self.done.store(0, Relaxed);
        self.total.store(total, Relaxed);
    }

    /// So many more are done.
    pub fn advance(&self, entries: usize) {
        self.done.fetch_add(entries, Relaxed);
    }

    /// How many are done of how many; `None` before it is known.
    pub fn seen(&self) -> Option<(usize, usize)> {
        let total = self.total.load(Relaxed);
        (total > 0).then(|| (self.done.load(Relaxed).min(total), total))
    }
}

//! The progress of a long change, for another thread to read.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many entries are done, and how many there are in all.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// Starts again at zero, with this many entries to do.
    pub fn expect(&self, total: usize) {
        self.done.store(0, Relaxed);
        self.total.store(total, Relaxed);
    }

    /// Adds finished entries.
    pub fn advance(&self, entries: usize) {
        self.done.fetch_add(entries, Relaxed);
    }

    /// How many entries are done, of how many. `None` before the total is known.
    pub fn seen(&self) -> Option<(usize, usize)> {
        let total = self.total.load(Relaxed);
        (total > 0).then(|| (self.done.load(Relaxed).min(total), total))
    }
}

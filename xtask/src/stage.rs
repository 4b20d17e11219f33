//! The stages of a task: which one is at work, and how long each took.

use std::time::Instant;

use anyhow::Result;

/// The stages of a task, of which the user is told.
pub struct Stages {
    all: usize,
    begun: usize,
}

impl Stages {
    /// As many stages.
    pub fn new(all: usize) -> Self {
        Self { all, begun: 0 }
    }

    /// Does the work of the next stage.
    pub fn run<T>(&mut self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        self.begin(what);
        let done = work()?;
        eprintln!(
            "== {}/{} done in {} s",
            self.begun,
            self.all,
            begun.elapsed().as_secs()
        );
        Ok(done)
    }

    /// Says that the last stage begins, whose end is the end of the task.
    pub fn begin(&mut self, what: &str) {
        self.begun += 1;
        eprintln!("== {}/{} {what}", self.begun, self.all);
    }
}

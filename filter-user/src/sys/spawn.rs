//! Runs work on a thread, or on the caller's thread if no other can be started. So a machine without free threads
//! or memory still gets its list, only later.

use std::{
    panic,
    thread::{Builder, Scope, ScopedJoinHandle},
};

/// Work that runs on a thread, or is already done.
pub enum Begun<'scope, T> {
    /// It runs on a thread.
    Beside(ScopedJoinHandle<'scope, T>),
    /// No thread could be started, so the caller's thread did it.
    Done(T),
}

/// Starts `work` on a thread. If that is not possible, does it before returning.
pub fn begin<'scope, T, W>(scope: &'scope Scope<'scope, '_>, work: W) -> Begun<'scope, T>
where
    T: Send + 'scope,
    W: Fn() -> T + Copy + Send + 'scope,
{
    match Builder::new().spawn_scoped(scope, work) {
        Ok(thread) => Begun::Beside(thread),
        Err(_) => Begun::Done(work()),
    }
}

impl<T> Begun<'_, T> {
    /// Waits for the work and returns its result. A panic of the work is passed on.
    pub fn join(self) -> T {
        match self {
            Self::Beside(thread) => thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)),
            Self::Done(done) => done,
        }
    }
}

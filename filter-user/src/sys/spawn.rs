//! Work on a thread of its own, if there is one to be had: a machine that is short of threads or memory gets its list all
//! the same, only later.

use std::{
    panic,
    thread::{Builder, Scope, ScopedJoinHandle},
};

/// Work that was begun, or is done already.
pub enum Begun<'scope, T> {
    /// It goes on beside.
    Beside(ScopedJoinHandle<'scope, T>),
    /// There was no thread for it.
    Done(T),
}

/// Begins work.
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
    /// What came of it, once it is done.
    pub fn join(self) -> T {
        match self {
            Self::Beside(thread) => thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)),
            Self::Done(done) => done,
        }
    }
}

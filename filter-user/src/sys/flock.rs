//! Waits for a `flock` in the order of arrival, and gives up after a time limit.
//!
//! With `flock` alone, any process that asks at the right moment gets the lock, and readers overtake a waiting
//! writer. So each process first locks a second directory, the queue. It releases the queue once it holds the lock
//! of the filter. Later processes wait behind it.
//!
//! The queue only keeps the order. A command that was stopped may hold it for ever. So a process that does not get
//! the queue in time tries the lock of the filter all the same.

use std::{
    fs::{File, TryLockError},
    io,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

/// What a command does with a directory, which decides the kind of lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only reads: a shared lock, which several commands can hold.
    Read,
    /// It changes something: an exclusive lock.
    Change,
}

/// The pause between two attempts, if no thread can be started to wait.
const PAUSE: Duration = Duration::from_millis(10);

/// Locks a directory until all copies of the returned file are closed. `None` if the lock is not free before
/// `give_up`.
pub(crate) fn wait(directory: &File, access: Access, give_up: Instant) -> io::Result<Option<File>> {
    let directory = directory.try_clone()?;
    if at_once(&directory, access)? {
        return Ok(Some(directory));
    }
    // The kernel wakes waiters in the order of their arrival, and a blocking `flock` has no time limit. So a thread
    // waits for us. Its descriptor belongs to the same open file as ours. The lock ends when all of them are
    // closed.
    let waiting = directory.try_clone()?;
    let (give, taken) = channel();
    let in_turn = move || {
        let locked = loop {
            let locked = match access {
                Access::Read => waiting.lock_shared(),
                Access::Change => waiting.lock(),
            };
            match locked {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                locked => break locked,
            }
        };
        let _ = give.send(locked.map(|()| waiting));
    };
    if thread::Builder::new().spawn(in_turn).is_ok() {
        let left = give_up.saturating_duration_since(Instant::now());
        return taken.recv_timeout(left).ok().transpose();
    }
    while Instant::now() < give_up {
        thread::sleep(PAUSE);
        if at_once(&directory, access)? {
            return Ok(Some(directory));
        }
    }
    Ok(None)
}

/// Tries to lock the directory without waiting. The lock lasts as long as the file is open. Returns false if
/// another process holds it.
pub(crate) fn at_once(directory: &File, access: Access) -> io::Result<bool> {
    let locked = match access {
        Access::Read => directory.try_lock_shared(),
        Access::Change => directory.try_lock(),
    };
    match locked {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

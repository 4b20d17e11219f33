//! Waiting for a lock in the order in which one came, and not for ever.
//!
//! A `flock` is handed to whoever happens to ask next, and to one more reader before any writer that waits. So everybody
//! first takes the lock on a second directory, the queue, and lets it go as soon as the filter's own lock is theirs: who
//! comes later waits behind. The queue only keeps order. Who does not get to its head in time tries the filter's lock all
//! the same, as a command that was stopped may stand there for ever.

use std::{
    fs::{File, TryLockError},
    io,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

/// Whether a directory is only looked at or also changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is looked at: several may at a time.
    Read,
    /// It is changed: by one alone.
    Change,
}

/// Between two attempts of who cannot have a thread that waits.
const PAUSE: Duration = Duration::from_millis(10);

/// Locks a directory for as long as the file lives, or gives up then: `None`.
pub(crate) fn wait(directory: &File, access: Access, give_up: Instant) -> io::Result<Option<File>> {
    let directory = directory.try_clone()?;
    if at_once(&directory, access)? {
        return Ok(Some(directory));
    }
    // The kernel wakes who waits in the order in which they came. Nothing ends its wait but the lock itself, so a thread
    // waits in our place. It has a descriptor of the same open file; when all of them are closed, the lock goes.
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

/// Whether the directory is locked now, for as long as the file is open: nobody is waited for.
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

//! Waiting for a lock in the order in which one came, and not for ever.
//!
//! A `flock` is handed to whoever happens to ask next, and to one more reader before any writer that waits. So everybody
//! first takes the lock on a second directory, the queue, and lets it go as soon as the filter's own lock is theirs: who
//! comes later waits behind.

use std::{fs::File, io, sync::mpsc::channel, thread, time::Instant};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// The empty directory in a filter's own on which its queue forms.
pub(crate) const QUEUE: &str = "queue";

/// Whether a lock is shared with others who only look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// With others who look.
    Shared,
    /// With nobody.
    Alone,
}

impl How {
    fn at_once(self) -> FlockArg {
        match self {
            Self::Shared => FlockArg::LockSharedNonblock,
            Self::Alone => FlockArg::LockExclusiveNonblock,
        }
    }

    fn in_turn(self) -> FlockArg {
        match self {
            Self::Shared => FlockArg::LockShared,
            Self::Alone => FlockArg::LockExclusive,
        }
    }
}

/// Locks a directory, or gives up then: `None`.
pub(crate) fn wait(directory: File, how: How, give_up: Instant) -> io::Result<Option<Flock<File>>> {
    let directory = match Flock::lock(directory, how.at_once()) {
        Ok(lock) => return Ok(Some(lock)),
        Err((directory, Errno::EWOULDBLOCK)) => directory,
        Err((_, errno)) => return Err(errno.into()),
    };
    // The kernel wakes who waits in the order in which they came. Nothing ends its wait but the lock itself, so a thread
    // waits in our place; what it gets when we have given up is let go at once.
    let (give, taken) = channel();
    let in_turn = move || {
        let mut directory = directory;
        let lock = loop {
            match Flock::lock(directory, how.in_turn()) {
                Ok(lock) => break Ok(lock),
                Err((again, Errno::EINTR)) => directory = again,
                Err((_, errno)) => break Err(errno),
            }
        };
        let _ = give.send(lock);
    };
    thread::Builder::new().spawn(in_turn)?;
    match taken.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
        Ok(lock) => Ok(Some(lock?)),
        Err(_) => Ok(None),
    }
}

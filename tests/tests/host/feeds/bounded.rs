//! A time limit for calls, so that a test ends even if the call does not return.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// A call that takes longer never returns: the tests give it a second or two.
const LIMIT: Duration = Duration::from_secs(60);

/// Makes a call in another thread, and fails if it does not return.
#[track_caller]
pub fn bounded<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(call()));
    match receiver.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("{what}: it does not come back"),
        Err(RecvTimeoutError::Disconnected) => panic!("{what}: it has panicked"),
    }
}

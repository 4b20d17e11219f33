//! Calls that come back, whatever the other side does.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// A call that has not returned by then never will: what it is given takes a second or two.
const LIMIT: Duration = Duration::from_secs(60);

/// Makes a call in a thread of its own, and fails where it does not return.
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

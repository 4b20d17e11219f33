//! Kills commands at chosen times after their start.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs the command to its end and returns how long it took.
#[must_use]
pub fn duration_of(command: &mut Command) -> Duration {
    let started = Instant::now();
    assert!(
        command
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .expect("it starts")
            .success()
    );
    started.elapsed()
}

/// Starts the command and kills it after that time.
pub fn after(command: &mut Command, time: Duration) {
    let mut child = command
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    thread::sleep(time);
    child.kill().expect("a child that nobody has waited for");
    child.wait().expect("its end");
}

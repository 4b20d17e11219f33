//! Lists that programs print: the one place where synwall starts another program. Which, the configuration says.
//!
//! It gets no shell, no environment, no input and no capability that the agent has as another user than root. Root's child is
//! root; the unit that comes with synwall takes what that gives away for all of it (`SecureBits=noroot`).

use std::{
    fs,
    io::{self, Read},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use caps::CapSet;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::{FeedError, MAX_BYTES};
use crate::{
    error::shown,
    trusted_path::{Exposed, LastLink, Way, Who},
};

#[expect(
    clippy::disallowed_types,
    reason = "a source of kind exec is a program that the configuration names"
)]
type Command = std::process::Command;

/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Bytes of standard error that are read.
const MAX_MESSAGE: u64 = 4096;

/// Runs a program and returns what it prints. It is killed, with all that it started and did not send away, when `timeout` is
/// over.
pub fn get(command: &[String], timeout: Duration) -> Result<Vec<u8>, FeedError> {
    let (program, arguments) = command.split_first().ok_or_else(|| FeedError::Exec {
        program: "exec".into(),
        reason: "there is no program".into(),
    })?;
    let failed = |reason: String| FeedError::Exec {
        program: shown(program),
        reason,
    };
    check(program)?;
    let mut child =
        start(program, arguments).map_err(|error| failed(format!("cannot be started: {error}")))?;
    let ended = attend(&mut child, timeout);
    // Whatever it left behind in its group must not outlive it: it may still hold the pipe.
    if let Ok(group) = i32::try_from(child.id()) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let _ = child.kill();
    let _ = child.wait();
    ended.map_err(failed)
}

/// Fails if anybody else could have written the program.
fn check(program: &str) -> Result<(), FeedError> {
    let failed = |error: io::Error| FeedError::Exec {
        program: shown(program),
        reason: format!("cannot be started: {error}"),
    };
    let way = Way::walk(Path::new(program), LastLink::Follow).map_err(failed)?;
    let found = fs::metadata(&way.path).map_err(failed)?;
    let mut exposed = way.exposed.into_iter().chain(Exposed::find(&way.path, &found));
    match exposed.find(|exposed| !matches!(exposed.to, Who::Group(_))) {
        None => Ok(()),
        Some(exposed) => Err(FeedError::ExposedProgram {
            program: shown(program),
            exposed,
        }),
    }
}

fn start(program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("LANG", "C.UTF-8")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What it inherits it has from the thread that starts it.
    let started = thread::scope(|scope| {
        let start = || {
            caps::clear(None, CapSet::Ambient).map_err(io::Error::other)?;
            command.spawn()
        };
        thread::Builder::new()
            .spawn_scoped(scope, start)?
            .join()
            .map_err(|_| io::Error::other("a thread ended"))?
    });
    started
}

/// Waits for it, and reads what it prints meanwhile.
fn attend(child: &mut Child, timeout: Duration) -> Result<Vec<u8>, String> {
    let give_up = Instant::now() + timeout;
    let too_long = || format!("did not end within {}", humantime::format_duration(timeout));
    let printed = read_beside(child.stdout.take(), MAX_BYTES as u64 + 1)?;
    let message = read_beside(child.stderr.take(), MAX_MESSAGE)?;
    let left = || give_up.saturating_duration_since(Instant::now());
    let bytes = match printed.recv_timeout(left()) {
        Ok(bytes) => bytes.map_err(|error| format!("cannot read what it prints: {error}"))?,
        Err(RecvTimeoutError::Timeout) => return Err(too_long()),
        Err(RecvTimeoutError::Disconnected) => return Err("nobody reads what it prints".into()),
    };
    if bytes.len() > MAX_BYTES {
        return Err(format!("prints more than {} MiB", MAX_BYTES >> 20));
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() >= give_up => return Err(too_long()),
            Ok(None) => thread::sleep(PAUSE),
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    };
    if !status.success() {
        let said = message.recv_timeout(left().min(Duration::from_secs(1)));
        let said = said.ok().and_then(Result::ok).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let first = said
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("it says nothing");
        return Err(format!("ended with {status}: {}", shown(first.trim())));
    }
    Ok(bytes)
}

type Heard = std::sync::mpsc::Receiver<io::Result<Vec<u8>>>;

/// Reads in a thread of its own: what the program started may hold the pipe for ever. The thread ends when the group is killed.
fn read_beside(pipe: Option<impl Read + Send + 'static>, most: u64) -> Result<Heard, String> {
    let (give, taken) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(0), |mut pipe| pipe.by_ref().take(most).read_to_end(&mut bytes));
        let _ = give.send(read.map(|_| bytes));
    };
    thread::Builder::new()
        .spawn(read)
        .map_err(|error| format!("cannot be attended to: {error}"))?;
    Ok(taken)
}

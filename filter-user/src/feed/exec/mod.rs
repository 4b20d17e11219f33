//! Lists that a program prints. It is the one place where synwall starts another program.
//!
//! The program has an environment and a process group of its own, no standard input, and no capabilities that the agent
//! holds as a user of its own. A program that root starts has root's capabilities, as everything has that root starts,
//! unless the service's `SecureBits=` or `CapabilityBoundingSet=` say otherwise.
//!
//! It is killed at its time limit wherever it has gone, and what it has started in its process group ends with it. The
//! program itself ends with the agent too.
//!
//! What leaves that group (`setsid`, a daemon) goes on, until a service manager ends it with the service. A process between
//! the two that adopts orphans (`PR_SET_CHILD_SUBREAPER`) could end it, but it would be a copy of the whole agent, kept to
//! system calls, that has to know when the program's output has ended: killed before, what writes it leaves half a list.

#![expect(
    clippy::disallowed_types,
    reason = "to run the program that the configuration names is what this is for"
)]

mod stream;

use std::{
    fs, io, mem,
    os::unix::{
        fs::PermissionsExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    ptr, thread,
    time::{Duration, Instant},
};

use caps::CapSet;
use nix::{
    errno::Errno,
    libc,
    sys::{
        prctl,
        signal::{SigHandler, Signal, kill, killpg, signal},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
    unistd::{Pid, getpid, getppid},
};

use super::definition::MAX_BYTES;
use crate::{
    model::duration,
    sys::path::{Exposed, LastLink, Way},
    text::shown,
};
use stream::{Stream, wait_for};

/// Bytes of what it says on its standard error that are looked at.
const MAX_COMPLAINT: usize = 4096;

/// Between two looks at a program that has closed its output or was killed, and has not ended.
const PAUSE: Duration = Duration::from_millis(10);

/// How long one that was killed may take to end. A list waits no longer for a kernel that does not let go of it.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// The environment of a program.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];

/// A program gave no list.
#[derive(Debug, thiserror::Error)]
#[error("cannot run {program}: {why}")]
pub struct ExecError {
    /// The program.
    pub program: PathBuf,
    /// What went wrong.
    pub why: Why,
}

/// What can go wrong with a program.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// It is not clear which program that is.
    #[error("its path has to be absolute (start with /)")]
    NotAbsolute,
    /// Others could put something else in its place.
    #[error("it can be changed by {0}; let only root and whoever runs synwall write there")]
    Exposed(Exposed),
    /// Not a file that can be run.
    #[error("it is not an executable file (chmod +x)")]
    NotExecutable,
    /// It cannot be looked at, started or waited for.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Capabilities would be passed on.
    #[error("it would have the agent's capabilities: {0}")]
    Capabilities(caps::errors::CapsError),
    /// It failed, and may have said why.
    #[error("it ended with {}{}", ending(*.status), colon(.complaint))]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// The first line of its standard error.
        complaint: String,
    },
    /// Too much.
    #[error("it printed more than {} MiB, and was killed", MAX_BYTES >> 20)]
    TooLarge,
    /// Too slow.
    #[error("it was not done after {}, and was killed", duration::format(*.0))]
    TooSlow(Duration),
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn colon(complaint: &str) -> String {
    if complaint.is_empty() {
        return String::new();
    }
    format!(": {}", shown(complaint))
}

/// Runs a program and returns what it prints, which takes no longer than `timeout`, or two seconds more where the kernel
/// does not let go of it.
///
/// `command` is an absolute path and arguments; no shell reads them. Neither the program nor a directory on the way to it
/// may be writable for anybody but root and whoever runs this.
///
/// # Errors
/// [`ExecError`] for everything but exit code 0 and at most [`MAX_BYTES`] of output.
pub fn get(command: &[String], timeout: Duration) -> Result<Vec<u8>, ExecError> {
    let (program, arguments) = match command.split_first() {
        Some((program, arguments)) => (Path::new(program), arguments),
        None => (Path::new(""), [].as_slice()),
    };
    run(program, arguments, timeout).map_err(|why| {
        let program = PathBuf::from(shown(&program.to_string_lossy()));
        ExecError { program, why }
    })
}

fn run(program: &Path, arguments: &[String], timeout: Duration) -> Result<Vec<u8>, Why> {
    let give_up = Instant::now() + timeout;
    let path = trusted(program)?;
    let mut command = Command::new(path);
    command
        .arg0(program)
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    prepare(&mut command);
    notice_ended_children()?;
    // A thread of its own: it gives up capabilities, and the program lives no longer than the thread that started it.
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("program".to_owned());
        let thread = thread.spawn_scoped(scope, || {
            drop_inherited_capabilities().map_err(Why::Capabilities)?;
            let child = Running(command.spawn()?);
            child.output(give_up, timeout)
        })?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that ran it has panicked").into()))
    })
}

/// The program without symbolic links, if nobody else could have put it there.
fn trusted(program: &Path) -> Result<PathBuf, Why> {
    if !program.is_absolute() {
        return Err(Why::NotAbsolute);
    }
    let Way {
        path,
        mut exposed,
        is_descriptor,
        ..
    } = Way::walk(program, LastLink::Follow)?;
    if is_descriptor {
        return Err(Why::NotExecutable);
    }
    let found = fs::metadata(&path)?;
    if !found.is_file() || found.permissions().mode() & 0o111 == 0 {
        return Err(Why::NotExecutable);
    }
    exposed.extend(Exposed::find(&path, &found));
    // Unlike a list, a program runs with the agent's rights: a group that may change it could do whatever it can.
    if let Some(exposed) = exposed.pop() {
        return Err(Why::Exposed(exposed));
    }
    Ok(path)
}

/// Has children wait to be reaped, as they do unless SIGCHLD is ignored, which is inherited from whoever started synwall.
///
/// Without that, how a program ended is lost, and its number may be another process's by the time that is killed. It is
/// done here, where children are started: other users of this library may want theirs to go by themselves until then, and
/// a handler that they have set stays.
fn notice_ended_children() -> io::Result<()> {
    // SAFETY: a `sigaction` is numbers and pointers that may be null, the default action among them.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: nothing is set, and what there is goes into a local variable.
    Errno::result(unsafe { libc::sigaction(libc::SIGCHLD, ptr::null(), &raw mut action) })?;
    if action.sa_sigaction == libc::SIG_IGN {
        // SAFETY: no handler is set that could be called at a bad time, nor one removed.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    }
    Ok(())
}

/// Takes from the calling thread what a program would inherit from it without being root.
fn drop_inherited_capabilities() -> Result<(), caps::errors::CapsError> {
    caps::clear(None, CapSet::Ambient)?;
    caps::clear(None, CapSet::Inheritable)
}

/// Has the program killed when the thread that starts it ends, be it with the whole agent, and keeps descriptors from it
/// that the agent itself was started with. Its own ones close by themselves.
fn prepare(command: &mut Command) {
    let parent = getpid();
    let prepare = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The agent may have ended before that was set.
        if getppid() != parent {
            return Err(Errno::ESRCH.into());
        }
        let (first, last) = (3, libc::c_uint::MAX);
        // SAFETY: it takes numbers. Nothing is closed before the program is there, which has no use for any of them.
        // Kernel 5.10 does not know the flag, and passes them on.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
        Ok(())
    };
    // SAFETY: between fork and exec it makes three system calls (prctl, getppid, close_range), which are
    // async-signal-safe, and neither allocates nor takes a lock: errors are plain numbers.
    unsafe {
        command.pre_exec(prepare);
    }
}

/// A program that runs. It and its process group end with this value, and it is reaped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.pid();
        // It has not been reaped yet, so that its number, and its group's, is still its own.
        let _ = killpg(pid, Signal::SIGKILL);
        // It may have moved into another group, and left its own without a member.
        let _ = kill(pid, Signal::SIGKILL);
        let give_up = Instant::now() + AFTER_KILL;
        while let Ok(None) = self.0.try_wait() {
            if Instant::now() < give_up {
                thread::sleep(PAUSE);
                continue;
            }
            // It is in a call that nothing interrupts (state D), or somebody traces it. Without a thread to wait for it,
            // its number stays taken until the agent ends, and nothing else comes of it.
            let reaper = thread::Builder::new().name("reaper".to_owned());
            let _ = reaper.spawn(move || while waitpid(pid, None) == Err(Errno::EINTR) {});
            return;
        }
    }
}

impl Running {
    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    fn output(mut self, give_up: Instant, timeout: Duration) -> Result<Vec<u8>, Why> {
        let mut output = Stream::new(self.0.stdout.take(), MAX_BYTES);
        let mut complaint = Stream::new(self.0.stderr.take(), MAX_COMPLAINT);
        let status = loop {
            // Others may hold its standard error for as long as they like.
            if output.pipe.is_none()
                && let Some(status) = self.ended()?
            {
                complaint.read_what_is_there()?;
                break status;
            }
            let Some(left) = give_up.checked_duration_since(Instant::now()) else {
                return Err(Why::TooSlow(timeout));
            };
            let wait = if output.pipe.is_some() {
                left
            } else {
                left.min(PAUSE)
            };
            let [has_output, has_complaint] = wait_for([output.fd(), complaint.fd()], wait)?;
            if has_output {
                output.read()?;
            }
            if has_complaint {
                complaint.read()?;
            }
            if output.is_cut {
                return Err(Why::TooLarge);
            }
        };
        if !status.success() {
            let complaint = String::from_utf8_lossy(&complaint.bytes);
            let mut lines = complaint.lines().map(str::trim);
            return Err(Why::Failed {
                status,
                complaint: lines.find(|line| !line.is_empty()).unwrap_or_default().to_owned(),
            });
        }
        Ok(output.bytes)
    }

    /// How it ended, if it has. It is not reaped.
    fn ended(&self) -> io::Result<Option<ExitStatus>> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        // As wait(2) has it: the code in the second byte, the signal in the first, 0x80 for a core.
        Ok(match waitid(Id::Pid(self.pid()), flags)? {
            WaitStatus::Exited(_, code) => Some(ExitStatus::from_raw((code & 0xff) << 8)),
            WaitStatus::Signaled(_, signal, core) => {
                Some(ExitStatus::from_raw(signal as i32 | i32::from(core) << 7))
            }
            _ => None,
        })
    }
}

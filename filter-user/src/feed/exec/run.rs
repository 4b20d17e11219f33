//! Starting a program that prints a list.

#![expect(
    clippy::disallowed_types,
    reason = "to run the program that the configuration names is what this is for"
)]

use std::{
    fs, io, mem,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    ptr, thread,
    time::{Duration, Instant},
};

use caps::CapSet;
use nix::{
    errno::Errno,
    libc,
    sys::{
        prctl,
        signal::{SigHandler, Signal, signal},
    },
    unistd::{getpid, getppid},
};

use super::{
    error::{ExecError, Why},
    process::Running,
};
use crate::{
    sys::path::{Exposed, LastLink, Way},
    text::shown,
};

/// The environment of a program.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8")];

/// Runs a program and returns what it prints, which takes no longer than `timeout`, or two seconds more where the kernel
/// does not let go of it.
///
/// `command` is an absolute path and arguments; no shell reads them. Neither the program nor a directory on the way to it
/// may be writable for anybody but root and whoever runs this.
///
/// # Errors
/// [`ExecError`] for everything but exit code 0 and at most [`MAX_BYTES`](crate::feed::definition::MAX_BYTES) of output.
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

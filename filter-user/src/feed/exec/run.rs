//! Starts a program that prints a list.

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

/// Runs a program and returns its output. This takes at most `timeout`, or two seconds more if the kernel does not end
/// it.
///
/// `command` is an absolute path and arguments; there is no shell. Only root and the user who runs this may be able to
/// write to the program and the directories on its path.
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
    // It needs its own thread, which gives up capabilities. The program lives no longer than the thread that started it.
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

/// The program without symbolic links, if no other user can replace it.
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
    // Unlike a list, a program runs with the agent's rights: a group that can change it would have them.
    if let Some(exposed) = exposed.pop() {
        return Err(Why::Exposed(exposed));
    }
    Ok(path)
}

/// Makes ended children wait to be reaped. They do not if SIGCHLD is ignored, which the agent may inherit from its
/// parent.
///
/// Otherwise the exit status is lost, and the process id may belong to another process when it is killed. The signal is
/// set here and not at start-up: other users of this library may ignore SIGCHLD until they start a program. A handler
/// that they set stays.
fn notice_ended_children() -> io::Result<()> {
    // SAFETY: a `sigaction` is numbers and pointers that may be null, so all zeros are a valid value.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: no action is set, and the present one is written to a local variable.
    Errno::result(unsafe { libc::sigaction(libc::SIGCHLD, ptr::null(), &raw mut action) })?;
    if action.sa_sigaction == libc::SIG_IGN {
        // SAFETY: this sets the default action, and removes no handler.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    }
    Ok(())
}

/// Clears the capabilities that a program without root's rights would inherit from the calling thread.
fn drop_inherited_capabilities() -> Result<(), caps::errors::CapsError> {
    caps::clear(None, CapSet::Ambient)?;
    caps::clear(None, CapSet::Inheritable)
}

/// Makes the kernel kill the program when the starting thread or the agent ends. Closes descriptors that the agent itself
/// inherited; its own ones are closed at exec.
fn prepare(command: &mut Command) {
    let parent = getpid();
    let prepare = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The agent may have ended before the call above.
        if getppid() != parent {
            return Err(Errno::ESRCH.into());
        }
        let (first, last) = (3, libc::c_uint::MAX);
        // SAFETY: the call takes numbers. It only marks descriptors: they are closed when the program replaces this
        // process, and the program uses none of them. Kernel 5.10 does not know the flag, and passes them on.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, libc::CLOSE_RANGE_CLOEXEC) };
        Ok(())
    };
    // SAFETY: between fork and exec it makes three system calls (prctl, getppid, close_range), which are
    // async-signal-safe. It allocates nothing and takes no lock: errors are plain numbers.
    unsafe {
        command.pre_exec(prepare);
    }
}

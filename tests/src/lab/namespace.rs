//! An anonymous network namespace. It exists as long as a process runs in it or holds its file descriptor.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::panic::resume_unwind;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid, setsid};

use super::{Output, must};

/// Settings that a new namespace would inherit from the machine, or that would take effect a second later.
const SETTINGS: [(&str, &str); 10] = [
    ("ipv4/conf/all/forwarding", "0"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv6/conf/all/disable_ipv6", "0"),
    ("ipv6/conf/default/disable_ipv6", "0"),
    ("ipv6/conf/all/forwarding", "0"),
    // Duplicate address detection would keep every address unusable for a second or two.
    ("ipv6/conf/all/accept_dad", "0"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/router_solicitations", "0"),
];

/// Longer than the kernel takes for any set-up step, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause between two checks of a condition.
const PAUSE: Duration = Duration::from_millis(1);

/// An anonymous network namespace with `lo` up.
#[derive(Debug, Clone)]
pub struct Namespace {
    // Shared, so that a prepared command keeps the namespace alive until the command has started.
    fd: Arc<OwnedFd>,
}

impl Namespace {
    /// A new, empty namespace.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it asks the kernel for something, which a default must not"
    )]
    pub fn new() -> Self {
        // A separate thread enters the new namespace, so that the caller stays in its own.
        let made = thread::scope(|scope| scope.spawn(make).join());
        let namespace = Self {
            fd: Arc::new(must("make a network namespace", joined(made))),
        };
        namespace.ip("link set lo up\n");
        namespace
    }

    /// A command that starts inside this namespace, with the mounts of the calling thread.
    ///
    /// The command has no input and no terminal. It is killed when the *thread* that started it ends. So start a
    /// long-running command from the thread that owns the laboratory.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let fd = Arc::clone(&self.fd);
        let parent = getpid();
        command.stdin(Stdio::null());
        // SAFETY: between fork and exec the closure makes four system calls (setns, prctl, setsid, getppid). All are
        // async-signal-safe. It builds errors from their numbers, so it neither allocates nor locks.
        unsafe { command.pre_exec(move || settle(fd.as_fd(), parent)) };
        command
    }

    /// Runs the closure inside this namespace, on a thread that the calling thread starts, so with the same mounts.
    ///
    /// A socket that the closure opens stays in the namespace, even if it is used elsewhere later.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let entered = || {
            must(
                "enter a network namespace",
                setns(&*self.fd, CloneFlags::CLONE_NEWNET),
            );
            work()
        };
        joined(thread::scope(|scope| scope.spawn(entered).join()))
    }

    /// Runs lines with one `ip -batch`, so that a whole topology takes a few processes and not dozens.
    pub fn ip(&self, lines: &str) {
        let mut command = self.command("ip");
        command.args(["-batch", "-"]);
        Output::with_input(&mut command, lines).ok();
    }

    /// Adds addresses to `lo`, and waits until they can be used.
    pub fn add_to_loopback(&self, addresses: &[IpAddr]) {
        for address in addresses {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            self.ip(&format!("addr add {address}/{bits} dev lo nodad\n"));
        }
        self.run(|| {
            for address in addresses {
                must(
                    format_args!("send to {address}"),
                    wait_until_it_arrives(*address, Instant::now() + PATIENCE),
                );
            }
        });
    }

    /// The namespace as a path for `ip … netns PATH`. Child processes can use it while this value lives.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", getpid(), self.fd.as_raw_fd())
    }
}

/// Waits until the address accepts packets. `ip` shows a new IPv6 address at once, even without duplicate address
/// detection. But the kernel drops packets to the address until a worker has run.
fn wait_until_it_arrives(at: IpAddr, give_up: Instant) -> io::Result<()> {
    let reach = || {
        let socket = UdpSocket::bind((at, 0))?;
        socket.connect(socket.local_addr()?)?;
        socket.set_read_timeout(Some(PAUSE))?;
        socket.send(&[0])?;
        socket.recv(&mut [0])
    };
    loop {
        match reach() {
            Err(_) if Instant::now() < give_up => thread::sleep(PAUSE),
            reached => return reached.map(drop),
        }
    }
}

fn make() -> io::Result<OwnedFd> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    for (setting, value) in SETTINGS {
        fs::write(format!("/proc/sys/net/{setting}"), value)?;
    }
    Ok(File::open("/proc/thread-self/ns/net")?.into())
}

/// Set-up of a child between fork and exec.
fn settle(namespace: BorrowedFd<'_>, parent: Pid) -> io::Result<()> {
    setns(namespace, CloneFlags::CLONE_NEWNET)?;
    set_pdeathsig(Signal::SIGKILL)?;
    // A session without the terminal: Ctrl-C then reaches only the process of the laboratory, which ends the others.
    setsid()?;
    // The parent may have died before the kernel tied the child's life to it.
    if getppid() == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}

fn joined<T>(result: thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

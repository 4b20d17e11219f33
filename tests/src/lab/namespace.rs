//! A network namespace without a name: it exists as long as someone holds its file descriptor or runs in it.

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

/// What a new namespace would otherwise take from the machine's own settings, or learn only after a second.
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

/// Longer than the kernel takes for anything in here, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at what is waited for.
const PAUSE: Duration = Duration::from_millis(1);

/// An anonymous network namespace with `lo` up.
#[derive(Debug, Clone)]
pub struct Namespace {
    // Shared, so that a prepared command keeps the namespace alive until it has started.
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
        // A thread of its own, so that the caller stays where it is.
        let made = thread::scope(|scope| scope.spawn(make).join());
        let namespace = Self {
            fd: Arc::new(must("make a network namespace", joined(made))),
        };
        namespace.ip("link set lo up\n");
        namespace
    }

    /// The command, to be started inside this namespace with the mounts of the calling thread.
    ///
    /// It has no input and no terminal, and is killed when the *thread* that started it ends: start what is
    /// to live on from the thread that owns the laboratory.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let fd = Arc::clone(&self.fd);
        let parent = getpid();
        command.stdin(Stdio::null());
        // SAFETY: between fork and exec the closure makes four system calls (setns, prctl, setsid, getppid),
        // all async-signal-safe, and builds errors from their numbers: it neither allocates nor locks.
        unsafe { command.pre_exec(move || settle(fd.as_fd(), parent)) };
        command
    }

    /// Runs the closure inside this namespace, on a thread below the calling one (so with its mounts).
    ///
    /// A socket made in the closure stays in the namespace wherever it is used later.
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

    /// Feeds lines to one `ip -batch`: a whole topology costs a few processes instead of dozens.
    pub fn ip(&self, lines: &str) {
        let mut command = self.command("ip");
        command.args(["-batch", "-"]);
        Output::with_input(&mut command, lines).ok();
    }

    /// Gives `lo` more addresses, and waits until they can be used.
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

    /// The namespace as a path for `ip … netns PATH`, valid for child processes while this value lives.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", getpid(), self.fd.as_raw_fd())
    }
}

/// An IPv6 address of ours is there at once, but before a worker of the kernel has had its turn, what is sent to it finds
/// nobody there, even where duplicate addresses are not looked for.
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

/// What a child does to itself between fork and exec.
fn settle(namespace: BorrowedFd<'_>, parent: Pid) -> io::Result<()> {
    setns(namespace, CloneFlags::CLONE_NEWNET)?;
    set_pdeathsig(Signal::SIGKILL)?;
    // Out of the terminal's reach: Ctrl-C is for the process that runs the laboratory, and it ends the rest.
    setsid()?;
    // The parent may have died before it could be tied to our life.
    if getppid() == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}

fn joined<T>(result: thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

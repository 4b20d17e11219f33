//! A running program: reads its output until the time limit, and ends it with its process group.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, kill, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
    unistd::Pid,
};

use super::{
    error::Why,
    stream::{Stream, wait_for},
};
use crate::feed::definition::MAX_BYTES;

/// How many bytes of its standard error are read.
const MAX_COMPLAINT: usize = 4096;

/// The pause between two checks whether a program has ended that was killed or has closed its output.
const PAUSE: Duration = Duration::from_millis(10);

/// How long to wait for a killed program. A fetch does not wait longer for a process that the kernel does not end.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// A running program. Dropping it kills the process group and reaps the program.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.pid();
        // It is not reaped yet, so its process id, and its group's, cannot belong to another process.
        let _ = killpg(pid, Signal::SIGKILL);
        // It may have moved into another group, and left its own empty.
        let _ = kill(pid, Signal::SIGKILL);
        let give_up = Instant::now() + AFTER_KILL;
        while let Ok(None) = self.0.try_wait() {
            if Instant::now() < give_up {
                thread::sleep(PAUSE);
                continue;
            }
            // It is in an uninterruptible call (state D), or traced. Without a thread that reaps it, its process id stays
            // taken until the agent ends, which is the only harm.
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

    /// Reads its output until it ends, at `give_up` at the latest. `timeout` is for the message.
    pub fn output(mut self, give_up: Instant, timeout: Duration) -> Result<Vec<u8>, Why> {
        let mut output = Stream::new(self.0.stdout.take(), MAX_BYTES);
        let mut complaint = Stream::new(self.0.stderr.take(), MAX_COMPLAINT);
        let status = loop {
            // Other processes may keep its standard error open for any time.
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

    /// How it ended, if it has. This does not reap it.
    fn ended(&self) -> io::Result<Option<ExitStatus>> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        // As in wait(2): the code is in the second byte, the signal in the first, 0x80 marks a core dump.
        Ok(match waitid(Id::Pid(self.pid()), flags)? {
            WaitStatus::Exited(_, code) => Some(ExitStatus::from_raw((code & 0xff) << 8)),
            WaitStatus::Signaled(_, signal, core) => {
                Some(ExitStatus::from_raw(signal as i32 | i32::from(core) << 7))
            }
            _ => None,
        })
    }
}

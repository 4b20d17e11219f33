//! A program that runs: its output is read until its time is over, and it does not outlive the value that stands for it.

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

/// Bytes of what it says on its standard error that are looked at.
const MAX_COMPLAINT: usize = 4096;

/// Between two looks at a program that has closed its output or was killed, and has not ended.
const PAUSE: Duration = Duration::from_millis(10);

/// How long one that was killed may take to end. A list waits no longer for a kernel that does not let go of it.
const AFTER_KILL: Duration = Duration::from_secs(2);

/// A program that runs. It and its process group end with this value, and it is reaped.
pub struct Running(pub Child);

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

    /// Reads what it prints until it ends, at `give_up` at the latest. `timeout` is what a message says.
    pub fn output(mut self, give_up: Instant, timeout: Duration) -> Result<Vec<u8>, Why> {
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

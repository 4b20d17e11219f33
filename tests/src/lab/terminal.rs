//! A terminal for a command: what it prints is what a person at a console would see.

use std::fs::File;
use std::io::{self, Read};
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use super::output::shown;
use super::{Output, must};

impl Output {
    /// Runs the command to its end with a terminal of that many columns for both its outputs, which come back
    /// together, in order, as `stdout`.
    #[must_use]
    pub fn on_terminal(mut command: Command, columns: u16) -> Self {
        let line = shown(&command);
        let size = Winsize {
            ws_row: 50,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let terminal = must("open a terminal", openpty(&size, None));
        let second = must("open a terminal", terminal.slave.try_clone());
        command
            .stdout(Stdio::from(terminal.slave))
            .stderr(Stdio::from(second));
        let mut child = must(format_args!("start `{line}`"), command.spawn());
        // It holds our copies of the command's end; reading ends only when there are none.
        drop(command);
        let text = must(
            format_args!("read what `{line}` prints"),
            all(terminal.master.into()),
        );
        let status = must(format_args!("wait for `{line}`"), child.wait());
        Self {
            command: line,
            code: status.code(),
            stdout: text.replace("\r\n", "\n"),
            stderr: String::new(),
        }
    }
}

fn all(mut master: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    match master.read_to_end(&mut bytes) {
        // Linux's way to say that nobody has the other end open any more.
        Err(error) if error.raw_os_error() != Some(libc::EIO) => Err(error),
        _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

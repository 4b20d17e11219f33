//! Runs a command on a terminal, so that it prints what a person at a console would see.

use std::fs::File;
use std::io::{self, Read};
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};

use super::output::shown;
use super::{Output, must};

impl Output {
    /// Runs the command to its end on a terminal of that many columns. Standard output and standard error come back
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
        // The command holds our copies of the command's end. The read below ends only when all copies are closed.
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
        // On Linux, EIO means that the other end of the terminal is closed.
        Err(error) if error.raw_os_error() != Some(libc::EIO) => Err(error),
        _ => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

//! The result of a finished command: its exit code and its output, with the command line for messages.

use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use super::must;

/// The result of a command that has ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, as a person would type it.
    pub command: String,
    /// The exit code. `None` if a signal ended the command.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Runs the command to its end.
    pub fn of(command: &mut Command) -> Self {
        Self::with_input(command, "")
    }

    /// Runs the command to its end, with the text as its standard input.
    pub fn with_input(command: &mut Command, input: &str) -> Self {
        let line = shown(command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = must(format_args!("start `{line}`"), command.spawn());
        let stdin = child.stdin.take();
        // A thread writes the input while this one reads the output. Otherwise a long input and a long output would
        // deadlock.
        let output = thread::scope(|scope| {
            scope.spawn(|| {
                // A command may end without reading its input.
                stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
            });
            child.wait_with_output()
        });
        let output = must(format_args!("wait for `{line}`"), output);
        Self {
            command: line,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns the output if the exit code is 0.
    ///
    /// # Panics
    /// If it is not 0, with everything that the command printed.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "that it succeeded is often all one wants"
    )]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Returns the output if the exit code is the expected one.
    ///
    /// # Panics
    /// If it is another one, with everything that the command printed.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "that it failed as expected is often all one wants"
    )]
    pub fn exits(self, code: i32) -> Self {
        assert!(self.code == Some(code), "expected exit code {code}\n{self}");
        self
    }

    /// The JSON document on standard output of a command that succeeded.
    ///
    /// # Panics
    /// If the command failed, or printed anything else.
    #[track_caller]
    #[must_use]
    pub fn json(self) -> serde_json::Value {
        let output = self.ok();
        match serde_json::from_str(&output.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not one JSON document: {error}\n{output}"),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "$ {}", self.command)?;
        for text in [&self.stdout, &self.stderr] {
            text.lines()
                .try_for_each(|line| writeln!(formatter, "  {line}"))?;
        }
        match self.code {
            Some(code) => write!(formatter, "  exit code {code}"),
            None => write!(formatter, "  ended by a signal"),
        }
    }
}

/// The command line without the directory of the program, as a person would type it.
pub(super) fn shown(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default();
    command.get_args().fold(program.to_owned(), |line, argument| {
        format!("{line} {}", argument.to_string_lossy())
    })
}

//! The text of the demo: plain numbered steps, in colour only on a terminal.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::Command;

use crate::lab::Output;

/// The demo's text is at most this wide.
const COLUMNS: u16 = 100;
/// The indentation of a command's output, in columns.
const INDENT: u16 = 5;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const GREEN: &str = "32";

/// Prints the text of the demo.
#[derive(Debug)]
pub(super) struct Narrator {
    colour: bool,
    step: u32,
}

impl Narrator {
    pub(super) fn new() -> Self {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colour: io::stdout().is_terminal() && !no_color,
            step: 0,
        }
    }

    /// Prints the title and the introduction.
    pub(super) fn title(&self, title: &str, text: &str) {
        self.line(self.painted(BOLD, title));
        self.line("");
        self.line(text);
    }

    /// Begins the next numbered step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        self.line("");
        self.line(self.painted(BOLD, format_args!("{}. {title}", self.step)));
    }

    /// Prints one or more lines of plain text.
    pub(super) fn say(&self, text: impl Display) {
        text.to_string()
            .lines()
            .for_each(|line| self.line(format_args!("   {line}")));
    }

    /// Prints a claim that was just checked.
    pub(super) fn seen(&self, text: impl Display) {
        self.line(format_args!("   {} {text}", self.painted(GREEN, "ok")));
    }

    /// Prints a command and all of its output.
    fn command(&self, output: &Output) {
        let printed = format!("{}{}", output.stdout, output.stderr);
        self.quote(&format!("$ {}", output.command), &printed);
    }

    /// Prints quoted text, such as a page, with its origin.
    pub(super) fn quote(&self, from: &str, text: &str) {
        self.line("");
        self.line(format_args!("   {}", self.painted(BOLD, from)));
        for line in text.lines() {
            self.line(format_args!("   {} {line}", self.painted(DIM, "|")));
        }
    }

    /// Runs the command on a terminal that is as wide as the demo's text, so that its tables fit, and prints its
    /// output.
    pub(super) fn shown(&self, mut command: Command) -> Output {
        if !self.colour {
            command.env("NO_COLOR", "1");
        }
        let output = Output::on_terminal(command, COLUMNS - INDENT);
        self.command(&output);
        output
    }

    pub(super) fn interrupted(&self) {
        self.line("");
        self.line("Interrupted: the demo has stopped and left nothing behind.");
    }

    pub(super) fn failed(&self, expected: &str, seen: &str) {
        self.line("");
        self.line(self.painted(RED, format_args!("FAILED in step {}", self.step)));
        self.line(format_args!("   expected: {expected}"));
        self.line(format_args!(
            "   seen:     {}",
            seen.replace('\n', "\n             ")
        ));
    }

    fn painted(&self, style: &str, text: impl Display) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }

    /// A reader that has gone (`demo | head`) is not an error, and the checks still have to run.
    fn line(&self, text: impl Display) {
        let mut stdout = io::stdout().lock();
        let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    }
}

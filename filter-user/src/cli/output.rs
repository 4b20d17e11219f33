//! What users see: data on standard output, messages on standard error; colour and aligned tables on a
//! terminal only.

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use comfy_table::{CellAlignment, Table, presets};
use filter_user::{
    filter::{attachment::State, instance::Instance},
    model::{entry::Action, rules::Difference},
    text::{disturbs_terminals, escaped},
};
use serde::Serialize;

/// The version of all JSON documents: one more when a key changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// Standard output.
pub struct Output;

impl Output {
    /// One JSON document on one line.
    pub fn json(&mut self, document: &impl Serialize) -> anyhow::Result<()> {
        self.text(&format!("{}\n", serde_json::to_string(document)?))
    }

    /// Text without changes.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// A table, aligned on a terminal and separated by tabs elsewhere.
    pub fn table<const N: usize>(
        &mut self,
        columns: [Column; N],
        rows: &[[String; N]],
    ) -> anyhow::Result<()> {
        if !io::stdout().is_terminal() {
            let lines = std::iter::once(columns.map(|column| column.title().to_owned()))
                .chain(rows.iter().cloned())
                .map(|row| row.join("\t") + "\n");
            return self.text(&lines.collect::<String>());
        }
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(columns.map(Column::title));
        table.add_rows(rows.iter().cloned());
        for (column, shape) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, 2));
            if let Column::Number(_) = shape {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let lines: String = table
            .lines()
            .map(|line| line.trim_end().to_owned() + "\n")
            .collect();
        self.text(&lines)
    }

    /// Clears the screen, on a terminal.
    pub fn redraw(&mut self) -> anyhow::Result<()> {
        if io::stdout().is_terminal() {
            self.text("\x1b[H\x1b[2J")
        } else {
            Ok(())
        }
    }
}

/// A column of a table.
#[derive(Clone, Copy)]
pub enum Column {
    /// Text, aligned to the left.
    Text(&'static str),
    /// Numbers, aligned to the right.
    Number(&'static str),
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) => title,
        }
    }
}

/// Prints what the user should know.
pub fn note(message: impl Display) {
    message_line("", message);
}

/// Prints what the user should look at.
pub fn warning(message: impl Display) {
    message_line("\x1b[33mwarning:\x1b[0m ", message);
}

/// Warns of what is missing although the change is in force: a step that follows it failed, or an interface is gone.
pub fn warn_after_change(filter: &mut Instance) {
    if let Some(error) = filter.take_undone() {
        warning(format_args!(
            "it is in force, but what follows could not be done, and is left to the next change: {error}"
        ));
    }
    for attachment in filter
        .attachments()
        .iter()
        .filter(|attachment| attachment.state == State::Gone)
    {
        let name = attachment.name();
        warning(format_args!(
            "{name} is gone; attach it again: synwall up {name}; forget it: synwall down {name}"
        ));
    }
}

/// Prints what a change did to a list.
pub fn difference(list: Action, difference: &Difference) {
    let Difference {
        added,
        removed,
        changed,
        total,
    } = difference;
    let changed = if *changed > 0 {
        format!(", {changed} changed")
    } else {
        String::new()
    };
    note(format_args!(
        "{list}: {added} added, {removed} removed{changed}, {total} in the list"
    ));
}

/// Prints what is wrong with the arguments, or the help that they ask for.
pub fn usage(error: &clap::Error) -> ExitCode {
    let disturbs = |argument: &OsString| argument.to_string_lossy().chars().any(disturbs_terminals);
    if env::args_os().any(|argument| disturbs(&argument)) {
        // clap does not escape the arguments that it shows.
        message_line("", error.to_string().trim_end());
    } else {
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Prints an error. Each cause has its own line, unless the line above says it already.
pub fn error(error: &anyhow::Error) {
    let mut said = error.to_string();
    message_line("\x1b[31merror:\x1b[0m ", &said);
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            message_line("  because: ", &cause);
            said = cause;
        }
    }
}

/// Prints one of several errors.
pub fn mistake(message: impl Display) {
    message_line("\x1b[31merror:\x1b[0m ", message);
}

fn message_line(mark: &str, message: impl Display) {
    // If standard error cannot be written, nobody can be told of that either.
    let message = escaped(&message.to_string());
    let _ = writeln!(anstream::stderr().lock(), "{mark}{message}");
}

/// A number with separators: 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

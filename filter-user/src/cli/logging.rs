//! The library's messages go to standard error, as the command line's do.

use std::io::{self, IsTerminal as _, Write as _};

use filter_user::text::escaped;
use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use super::output;

/// Shows warnings and errors from now on.
pub fn begin() -> Result<(), SetLoggerError> {
    log::set_logger(&ToStandardError)?;
    log::set_max_level(LevelFilter::Warn);
    Ok(())
}

/// Shows what the agent tells, too.
pub fn tell_more() {
    log::set_max_level(LevelFilter::Info);
}

/// Writes a line for each message, with a priority (`sd-daemon(3)`) if journald reads it.
struct ToStandardError;

impl Log for ToStandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Our own errors carry what other libraries say.
        metadata.target().starts_with("filter_user")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let message = record.args().to_string().replace('\n', "\\n");
        if !io::stderr().is_terminal() && std::env::var_os("JOURNAL_STREAM").is_some() {
            let priority = match record.level() {
                Level::Error => 3,
                Level::Warn => 4,
                _ => 6,
            };
            // If standard error cannot be written, nobody can be told of that either.
            let _ = writeln!(io::stderr().lock(), "<{priority}>{}", escaped(&message));
            return;
        }
        match record.level() {
            Level::Error => output::mistake(message),
            Level::Warn => output::warning(message),
            _ => output::note(message),
        }
    }

    fn flush(&self) {}
}

//! Where messages of the library go: to standard error, as those of the command line do.

use std::io::{self, IsTerminal as _, Write as _};

use filter_user::text::escaped;
use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};

use super::output;

/// From now on warnings and errors are shown.
pub fn begin() -> Result<(), SetLoggerError> {
    log::set_logger(&ToStandardError)?;
    log::set_max_level(LevelFilter::Warn);
    Ok(())
}

/// And what an agent has to tell beside.
pub fn tell_more() {
    log::set_max_level(LevelFilter::Info);
}

/// A line for each message; where it goes to journald, with a priority (`sd-daemon(3)`).
struct ToStandardError;

impl Log for ToStandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What libraries have to say comes with our own errors.
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
            // Where nobody can be told, there is nobody to tell it.
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

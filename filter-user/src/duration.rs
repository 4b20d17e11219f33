//! Times as users write them: `90s`, `20m`, `1h 30m`.

use std::time::Duration;

/// Text that is no time, or none that anything could wait for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadDuration {
    /// Not a number with a unit.
    #[error("{0} (examples: 60s, 20m, 1h 30m)")]
    Syntax(#[from] humantime::DurationError),
    /// No time at all.
    #[error("it must be longer than nothing")]
    Zero,
}

/// Reads a time that may be nothing.
pub fn parse_or_none(text: &str) -> Result<Duration, BadDuration> {
    Ok(humantime::parse_duration(text)?)
}

/// Reads a time that is longer than nothing.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    let time = humantime::parse_duration(text)?;
    if time.is_zero() {
        return Err(BadDuration::Zero);
    }
    Ok(time)
}

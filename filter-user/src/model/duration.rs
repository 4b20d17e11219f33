//! Durations as users write them: `90s`, `20m`, `1h 30m`.
//!
//! A duration is a sum of numbers with units. No unit is a month or a year: some are longer than others, and a user who writes
//! `5M` means minutes.

use std::{fmt::Write as _, ops::RangeInclusive, time::Duration};

use crate::text::shown;

/// One day of 24 hours.
pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest duration that is accepted anywhere, so that sums of durations cannot overflow.
pub const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

const MICROSECOND: u128 = 1000;
const MILLISECOND: u128 = 1000 * MICROSECOND;
const SECOND: u128 = 1000 * MILLISECOND;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;

/// The units: every name that is accepted, and the length in nanoseconds.
const UNITS: [(&[&str], u128); 8] = [
    (&["ns", "nsec", "nanos"], 1),
    (&["us", "µs", "usec"], MICROSECOND),
    (&["ms", "msec", "millis"], MILLISECOND),
    (&["s", "sec", "secs", "second", "seconds"], SECOND),
    (&["m", "min", "mins", "minute", "minutes"], MINUTE),
    (&["h", "hr", "hrs", "hour", "hours"], HOUR),
    (&["d", "day", "days"], 24 * HOUR),
    (&["w", "wk", "wks", "week", "weeks"], 7 * 24 * HOUR),
];

/// Units that are refused because they are not a fixed number of days.
const CALENDAR_UNITS: [&str; 7] = ["month", "months", "y", "yr", "yrs", "year", "years"];

/// Text that is not a duration, or one that is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDuration {
    /// Not a sequence of numbers with units.
    #[error("{0} (examples: 60s, 20m, 1h 30m)")]
    Syntax(Syntax),
    /// A number with an unknown unit.
    #[error("'{0}' is not a unit of time; known: ms, s, m, h, d, w (examples: 60s, 20m, 1h 30m)")]
    Unit(String),
    /// The unit `M`, with the number before it.
    #[error("M would be months; write {0}m for minutes")]
    Minutes(String),
    /// A month or a year.
    #[error("months and years are not taken; write days, such as 30d or 365d")]
    Calendar,
    /// Zero, where a duration must be longer.
    #[error("it must be longer than nothing")]
    Zero,
    /// Below the lower bound, which is given.
    #[error("it is too short; write {} or more", format(*.0))]
    TooShort(Duration),
    /// Above the upper bound, which is given.
    #[error("it is too long; write {} or less", format(*.0))]
    TooLong(Duration),
}

/// What is wrong with the form of a text. Places are byte offsets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Syntax {
    /// There is nothing but spaces.
    #[error("value was empty")]
    Empty,
    /// A number must begin here.
    #[error("expected number at {0}")]
    NoNumber(usize),
    /// Neither a digit nor a letter.
    #[error("invalid character at {0}")]
    Character(usize),
    /// A number, which is given, without a unit.
    #[error("time unit needed, for example {0}sec or {0}ms")]
    NoUnit(u64),
    /// A number with too many digits, before or behind the point.
    #[error(
        "number is too large or cannot be represented without a lack of precision (values below 1ns are not supported)"
    )]
    Digits,
}

/// Reads a duration that is longer than zero and at most a [`YEAR`].
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    longer_than_zero(parse_within(text, Duration::ZERO..=YEAR)?)
}

/// Reads a duration that is longer than zero and at most a [`DAY`]: a time that a person waits.
pub fn parse_up_to_a_day(text: &str) -> Result<Duration, BadDuration> {
    longer_than_zero(parse_within(text, Duration::ZERO..=DAY)?)
}

fn longer_than_zero(time: Duration) -> Result<Duration, BadDuration> {
    if time.is_zero() {
        return Err(BadDuration::Zero);
    }
    Ok(time)
}

/// Reads a duration within both bounds.
pub fn parse_within(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, BadDuration> {
    let (shortest, longest) = bounds.into_inner();
    let nanoseconds = Reader { text, at: 0 }.sum()?;
    if nanoseconds < shortest.as_nanos() {
        return Err(BadDuration::TooShort(shortest));
    }
    match u64::try_from(nanoseconds).map(Duration::from_nanos) {
        Ok(time) if time <= longest => Ok(time),
        _ => Err(BadDuration::TooLong(longest)),
    }
}

/// Reads a text from left to right.
struct Reader<'a> {
    text: &'a str,
    /// The offset of what is not read yet.
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads to the end. The result is in nanoseconds.
    fn sum(mut self) -> Result<u128, BadDuration> {
        // Zero alone needs no unit.
        if self.text == "0" {
            return Ok(0);
        }
        let mut sum: u128 = 0;
        self.take_while(char::is_whitespace);
        if self.next().is_none() {
            return Err(BadDuration::Syntax(Syntax::Empty));
        }
        while self.next().is_some() {
            sum = sum.saturating_add(self.number_with_unit()?);
            self.take_while(char::is_whitespace);
        }
        Ok(sum)
    }

    fn number_with_unit(&mut self) -> Result<u128, BadDuration> {
        let start = self.at;
        let whole = self.digits();
        let mut decimals = "";
        if !whole.is_empty() && self.next() == Some('.') {
            let point = self.at;
            self.at += 1;
            decimals = self.digits();
            if decimals.trim_end().is_empty() {
                return Err(BadDuration::Syntax(Syntax::Character(point)));
            }
        }
        let number = self.text[start..self.at].trim_end();
        let end_of_number = self.at;
        let unit = self.take_while(|c| c.is_ascii_alphabetic() || c == 'µ');
        if unit == "M" {
            return Err(BadDuration::Minutes(shown(number)));
        }
        if CALENDAR_UNITS.contains(&unit) {
            return Err(BadDuration::Calendar);
        }
        if whole.is_empty() {
            return Err(BadDuration::Syntax(Syntax::NoNumber(end_of_number)));
        }
        if self
            .next()
            .is_some_and(|c| !c.is_ascii_digit() && !c.is_whitespace())
        {
            return Err(BadDuration::Syntax(Syntax::Character(self.at)));
        }
        let too_many_digits = || BadDuration::Syntax(Syntax::Digits);
        let (whole, _) = value(whole).ok_or_else(too_many_digits)?;
        if unit.is_empty() {
            return Err(BadDuration::Syntax(Syntax::NoUnit(whole)));
        }
        let known = UNITS.iter().find(|(names, _)| names.contains(&unit));
        let (_, length) = known.ok_or_else(|| BadDuration::Unit(shown(unit)))?;
        let (decimals, scale) = value(decimals).ok_or_else(too_many_digits)?;
        let part = u128::from(decimals) * length;
        if part % u128::from(scale) != 0 {
            return Err(too_many_digits());
        }
        Ok(u128::from(whole) * length + part / u128::from(scale))
    }

    fn next(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let taken = &rest[..rest.find(|c| !is_wanted(c)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Digits, and the spaces between and behind them.
    fn digits(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_digit() || c.is_whitespace())
    }
}

/// The value of digits, without the spaces, and ten to the power of their number.
fn value(digits: &str) -> Option<(u64, u64)> {
    let mut digits = digits.chars().filter_map(|c| c.to_digit(10));
    digits.try_fold((0_u64, 1_u64), |(value, scale), digit| {
        let value = value.checked_mul(10)?.checked_add(digit.into())?;
        // A number of 20 digits can fit, its scale does not.
        Some((value, scale.saturating_mul(10)))
    })
}

/// Formats a duration so that [`parse`] reads the same one. Days are the largest unit.
pub fn format(time: Duration) -> String {
    let (seconds, nanoseconds) = (time.as_secs(), u64::from(time.subsec_nanos()));
    let days = seconds / DAY.as_secs();
    let mut formatted = String::new();
    for (amount, unit) in [
        (days, if days == 1 { "day" } else { "days" }),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (nanoseconds / 1_000_000, "ms"),
        (nanoseconds / 1000 % 1000, "us"),
        (nanoseconds % 1000, "ns"),
    ] {
        if amount > 0 {
            let space = if formatted.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(formatted, "{space}{amount}{unit}");
        }
    }
    if formatted.is_empty() {
        formatted.push_str("0s");
    }
    formatted
}

#[cfg(test)]
mod tests;

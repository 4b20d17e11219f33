//! Times as users write them: `90s`, `20m`, `1h 30m`.

use std::{ops::RangeInclusive, time::Duration};

use crate::text::shown;

/// A day, as it is meant by whoever writes `1d`.
pub const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest time that is taken anywhere: sums of them have to stay times.
pub const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Units of the library's that are no certain number of days.
const OF_THE_CALENDAR: [&str; 7] = ["month", "months", "year", "years", "yr", "yrs", "y"];

/// Text that is no time, or none that anything could wait for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadDuration {
    /// Not a number with a unit.
    #[error("{0} (examples: 60s, 20m, 1h 30m)")]
    Syntax(humantime::DurationError),
    /// A number with something else.
    #[error("'{0}' is not a unit of time; known: ms, s, m, h, d, w (examples: 60s, 20m, 1h 30m)")]
    Unit(String),
    /// Whoever writes `5M` means five minutes, and would get five months.
    #[error("M would be months; write {0}m for minutes")]
    Minutes(String),
    /// A month or a year, of which some are longer than others.
    #[error("months and years are not taken; write days, such as 30d or 365d")]
    Calendar,
    /// No time at all.
    #[error("it must be longer than nothing")]
    Zero,
    /// Less than there may be.
    #[error("it is too short; write {} or more", format(*.0))]
    TooShort(Duration),
    /// More than there may be.
    #[error("it is too long; write {} or less", format(*.0))]
    TooLong(Duration),
}

/// Reads a time that is longer than nothing, and a [`YEAR`] at the most.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    longer_than_nothing(parse_within(text, Duration::ZERO..=YEAR)?)
}

/// Reads a time that is longer than nothing, and a [`DAY`] at the most: what a person waits for.
pub fn parse_up_to_a_day(text: &str) -> Result<Duration, BadDuration> {
    longer_than_nothing(parse_within(text, Duration::ZERO..=DAY)?)
}

fn longer_than_nothing(time: Duration) -> Result<Duration, BadDuration> {
    if time.is_zero() {
        return Err(BadDuration::Zero);
    }
    Ok(time)
}

/// Reads a time between those two.
pub fn parse_within(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, BadDuration> {
    refuse_months(text)?;
    let time = humantime::parse_duration(text).map_err(|error| match error {
        humantime::DurationError::UnknownUnit { unit, .. } if !unit.is_empty() => {
            BadDuration::Unit(shown(&unit))
        }
        error => BadDuration::Syntax(error),
    })?;
    if time < *bounds.start() {
        return Err(BadDuration::TooShort(*bounds.start()));
    }
    if time > *bounds.end() {
        return Err(BadDuration::TooLong(*bounds.end()));
    }
    Ok(time)
}

/// The library would take them.
fn refuse_months(text: &str) -> Result<(), BadDuration> {
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let stands_alone =
        |at: &usize| !text[..*at].ends_with(is_letter) && !text[at + 1..].starts_with(is_letter);
    if let Some(at) = text.match_indices('M').map(|(at, _)| at).find(stands_alone) {
        let is_of_no_number = |c: char| !c.is_ascii_digit() && c != '.';
        let number = text[..at].trim_end().rsplit(is_of_no_number).next();
        return Err(BadDuration::Minutes(shown(number.unwrap_or_default())));
    }
    if text
        .split(|c| !is_letter(c))
        .any(|word| OF_THE_CALENDAR.contains(&word))
    {
        return Err(BadDuration::Calendar);
    }
    Ok(())
}

/// A time as it can be read again. Days stay days: the library would make months of 30.44 days of them.
pub fn format(time: Duration) -> String {
    const DAYS_OF_A_MONTH: u64 = 30;
    let days = time.as_secs() / DAY.as_secs();
    if days < DAYS_OF_A_MONTH {
        return humantime::format_duration(time).to_string();
    }
    let rest = time - Duration::from_secs(days * DAY.as_secs());
    if rest.is_zero() {
        format!("{days}days")
    } else {
        format!("{days}days {}", humantime::format_duration(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_are_refused_with_what_to_write() {
        for (text, told) in [
            ("5M", "M would be months; write 5m for minutes"),
            ("1h 30 M", "M would be months; write 30m for minutes"),
            ("1.5M10s", "M would be months; write 1.5m for minutes"),
            ("M", "M would be months; write m for minutes"),
            (
                "5Mb",
                "'Mb' is not a unit of time; known: ms, s, m, h, d, w (examples: 60s, 20m, 1h 30m)",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), told, "{text}");
        }
        for text in ["1month", "2 months 1d", "1y", "1h1yr", "2yrs", "1year", "3years"] {
            assert_eq!(parse(text), Err(BadDuration::Calendar), "{text}");
        }
        for text in [
            "5m",
            "5min",
            "5minutes",
            "2w",
            "1d 1h 1m 1s 1ms 1us 1ns",
            "1.5h",
            "365d",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_time_has_bounds() {
        for (read, told) in [
            (parse("0s"), "it must be longer than nothing"),
            (parse("366d"), "it is too long; write 365days or less"),
            (parse("365d 1ns"), "it is too long; write 365days or less"),
            (parse_up_to_a_day("0"), "it must be longer than nothing"),
            (parse_up_to_a_day("25h"), "it is too long; write 1day or less"),
            (
                parse_within("999us", Duration::from_millis(1)..=DAY),
                "it is too short; write 1ms or more",
            ),
        ] {
            assert_eq!(read.unwrap_err().to_string(), told);
        }
        assert_eq!(parse("365d"), Ok(YEAR));
        assert_eq!(parse_up_to_a_day("24h"), Ok(DAY));
        assert_eq!(parse_within("0s", Duration::ZERO..=DAY), Ok(Duration::ZERO));
    }

    #[test]
    fn days_are_shown_as_days_and_read_as_they_were() {
        for (text, seen) in [
            ("90s", "1m 30s"),
            ("29d 1h", "29days 1h"),
            ("30d", "30days"),
            ("31d 1h 1ns", "31days 1h 1ns"),
            ("365d", "365days"),
        ] {
            let time = parse(text).unwrap();
            assert_eq!(format(time), seen);
            assert_eq!(parse(seen), Ok(time));
        }
        assert_eq!(format(Duration::from_secs(366 * 86400 + 60)), "366days 1m");
    }
}

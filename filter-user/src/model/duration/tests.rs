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

#[test]
fn numbers_with_units_are_added_up() {
    for (text, nanoseconds) in [
        ("1s 500ms", 1_500_000_000),
        (" 1m1s ", 61_000_000_000),
        ("1.25s", 1_250_000_000),
        ("0.5us", 500),
        ("2µs", 2000),
        ("1 0 s", 10_000_000_000),
        ("1.50 m", 90_000_000_000),
    ] {
        assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (text, told) in [
        ("", "value was empty"),
        ("  ", "value was empty"),
        ("soon", "expected number at 0"),
        ("-1s", "expected number at 0"),
        ("1h min", "expected number at 3"),
        ("1.s", "invalid character at 1"),
        ("1.5.5s", "invalid character at 3"),
        ("5,5s", "invalid character at 1"),
        ("5s,", "invalid character at 2"),
        ("1h 30", "time unit needed, for example 30sec or 30ms"),
        (
            "100000000000000000000d",
            "number is too large or cannot be represented without a lack of precision (values below 1ns are not supported)",
        ),
        (
            "0.5ns",
            "number is too large or cannot be represented without a lack of precision (values below 1ns are not supported)",
        ),
    ] {
        let expected = format!("{told} (examples: 60s, 20m, 1h 30m)");
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text:?}");
    }
}

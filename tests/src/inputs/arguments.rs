//! Other values on the command line: prefixes with labels, times, prefix lengths, and texts that become labels and
//! origins.

use std::time::Duration;

use filter_user::{
    feed::provider,
    model::lengths::Lengths,
    model::{
        duration,
        entry::{Label, MAX_LABEL_BYTES, MAX_ORIGIN_BYTES, NewEntry, Origin},
    },
    sys::clock,
    text::shown,
};

use super::{Bytes, assert_fit_for_a_terminal, prefix, text};

pub(super) fn check(bytes: &[u8]) {
    let text = text(bytes);
    match text.parse::<NewEntry>() {
        Ok(entry) => {
            prefix::is_clean(entry.prefix);
            let again = format!("{}={}", entry.prefix, entry.label.as_str()).parse::<NewEntry>();
            let again = again.unwrap_or_else(|error| panic!("not read as it was printed: {error}"));
            assert_eq!((again.prefix, again.label), (entry.prefix, entry.label));
        }
        Err(error) => is_short_and_fit(&error.to_string()),
    }
    match text.parse::<Lengths>() {
        Ok(lengths) => {
            assert!((8..=32).contains(&lengths.v4) && (16..=64).contains(&lengths.v6));
            assert_eq!(lengths.mask_v4().count_ones(), u32::from(lengths.v4));
            assert_eq!(lengths.mask_v6().count_ones(), u32::from(lengths.v6));
            assert_eq!(format!("{},{}", lengths.v4, lengths.v6).parse(), Ok(lengths));
        }
        Err(error) => is_short_and_fit(&error.to_string()),
    }
    match duration::parse(text) {
        Ok(time) => {
            assert!(time > Duration::ZERO);
            let now = clock::now_ns().unwrap_or_else(|error| panic!("{error}"));
            let deadline = clock::deadline_ns(time).unwrap_or_else(|error| panic!("{error}"));
            assert!(deadline > now, "{text:?} is over at once");
        }
        Err(error) => is_short_and_fit(&error.to_string()),
    }
    names(text);
    // Bytes that are not UTF-8, as a name in a map may hold.
    names(&String::from_utf8_lossy(Bytes(bytes).some(1000)));
}

fn names(text: &str) {
    match Label::new(text) {
        Ok(label) => {
            assert!(text.len() <= MAX_LABEL_BYTES);
            assert_eq!(label.as_str(), text);
            assert_fit_for_a_terminal(text);
        }
        Err(error) => is_short_and_fit(&error.to_string()),
    }
    let origin = Origin::new(text);
    assert!(origin.as_str().len() <= MAX_ORIGIN_BYTES);
    assert_fit_for_a_terminal(origin.as_str());
    assert_eq!(
        Origin::new(origin.as_str()),
        origin,
        "one that fits stays as it is"
    );
    let shown = shown(text);
    is_short_and_fit(&shown);
    if let Err(error) = provider::entries(text) {
        is_short_and_fit(&error.to_string());
    }
}

fn is_short_and_fit(message: &str) {
    assert_fit_for_a_terminal(message);
    assert!(message.len() < 1000, "{} bytes of message", message.len());
}

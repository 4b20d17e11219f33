//! Answers of providers, as text and as JSON, and the guards that accept or refuse them.

use filter_user::{
    feed::provider,
    feed::{
        definition::{Format, Location},
        guard, read,
    },
    model::entry::Action,
};
use ipnet::IpNet;

use super::{assert_fit_for_a_terminal, prefix};

pub(super) fn check(bytes: &[u8]) {
    for name in provider::names() {
        let feed = provider::feed(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let formats = match &feed.location {
            Location::Https { format, .. } => vec![format.clone()],
            _ => vec![Format::Text],
        };
        for format in formats {
            let entries = match read::read(&feed, &format, bytes) {
                Ok(entries) => entries,
                Err(reason) => {
                    assert_fit_for_a_terminal(&reason);
                    assert!(reason.len() < 1000, "{} bytes of message", reason.len());
                    continue;
                }
            };
            let prefixes: Vec<IpNet> = entries.iter().map(|entry| entry.prefix).collect();
            assert!(prefixes.is_sorted_by(|a, b| a < b), "each once, in their order");
            prefixes.iter().for_each(|found| prefix::is_clean(*found));
            assert!(
                entries
                    .iter()
                    .all(|entry| entry.saved && entry.origin == feed.origin)
            );
            if guard::check(Action::Trust, None, &prefixes, false).is_ok() {
                assert!(!prefixes.is_empty());
                let of_v4: u64 = covered_v4(&prefixes);
                assert!(of_v4 <= 1 << 29, "{of_v4} IPv4 addresses are trusted");
            }
            // A list that was accepted once, even by force, is accepted again.
            let again = guard::check(Action::Trust, Some(&prefixes), &prefixes, false);
            assert_eq!(again, Ok(()));
            // Up to half of the prefixes may disappear, but not more.
            let less = &prefixes[..prefixes.len() / 3];
            if prefixes.len() >= 3
                && prefixes
                    .iter()
                    .all(|found| found.prefix_len() == prefixes[0].prefix_len())
            {
                assert!(guard::check(Action::Trust, Some(&prefixes), less, false).is_err());
            }
        }
    }
}

/// The number of IPv4 addresses in these prefixes, counted without shortcuts.
fn covered_v4(prefixes: &[IpNet]) -> u64 {
    let mut end = 0_u64;
    let mut sum = 0;
    for prefix in prefixes {
        if let IpNet::V4(prefix) = prefix {
            let (first, last) = (
                u64::from(u32::from(prefix.network())),
                u64::from(u32::from(prefix.broadcast())) + 1,
            );
            sum += last.saturating_sub(first.max(end));
            end = end.max(last);
        }
    }
    sum
}

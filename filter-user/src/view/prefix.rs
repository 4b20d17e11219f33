//! A configured prefix and what was counted on it.

use std::{cmp::Reverse, collections::BinaryHeap};

use filter_common::PrefixCount;
use ipnet::IpNet;
use serde::{Serialize, Serializer};

use crate::model::entry::{Action, Entry, Label, Origin};

const SECOND: u64 = 1_000_000_000;

/// A configured prefix.
#[derive(Clone, Debug, Serialize)]
pub struct Prefix {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// The list that it stands in.
    #[serde(serialize_with = "action")]
    pub action: Action,
    /// What the user calls it.
    #[serde(serialize_with = "label")]
    pub label: Label,
    /// Where it came from.
    #[serde(serialize_with = "origin")]
    pub origin: Origin,
    /// New connections and datagrams of a trusted prefix, drops of another.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Seconds since the last packet, if there was one.
    pub last_hit_seconds: Option<u64>,
    /// Seconds until the entry goes, if it does.
    pub expires_seconds: Option<u64>,
    /// Whether the agent puts it there again after a reboot.
    pub saved: bool,
}

impl Prefix {
    pub(super) fn new(entry: Entry, count: &PrefixCount, now_ns: u64) -> Self {
        Self {
            prefix: entry.prefix,
            action: entry.action,
            label: entry.label,
            origin: entry.origin,
            packets: count.packets,
            bytes: count.bytes,
            last_hit_seconds: (count.last_ns != 0).then(|| now_ns.saturating_sub(count.last_ns) / SECOND),
            expires_seconds: entry
                .expires_ns
                .map(|at| at.get().saturating_sub(now_ns).div_ceil(SECOND)),
            saved: entry.saved,
        }
    }
}

fn action<S: Serializer>(action: &Action, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(action.name())
}

fn label<S: Serializer>(label: &Label, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(label.as_str())
}

fn origin<S: Serializer>(origin: &Origin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(origin.as_str())
}

/// The `most` entries with the most packets, trusted ones before others; among equals those that come first.
///
/// An attacker chooses what is dropped, and must not push out what comes from trusted prefixes.
pub(super) fn busiest(counted: Vec<(Entry, PrefixCount)>, most: usize) -> Vec<(Entry, PrefixCount)> {
    type Rank = (bool, u64, Reverse<(Action, IpNet)>);
    let rank = |(entry, count): &(Entry, PrefixCount)| -> Rank {
        let is_trusted = entry.action == Action::Trust;
        (is_trusted, count.packets, Reverse((entry.action, entry.prefix)))
    };
    if counted.len() <= most {
        return counted;
    }
    // The lowest of the busiest so far is on top.
    let mut heap: BinaryHeap<Reverse<(Rank, usize)>> = BinaryHeap::with_capacity(most + 1);
    for (number, row) in counted.iter().enumerate() {
        heap.push(Reverse((rank(row), number)));
        if heap.len() > most {
            heap.pop();
        }
    }
    let mut stays = vec![false; counted.len()];
    for Reverse((_, number)) in heap {
        stays[number] = true;
    }
    let rows = counted.into_iter().zip(stays);
    rows.filter(|(_, stays)| *stays).map(|(row, _)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::prefix;

    /// As many packets as only denied prefixes have here.
    const DENIED: u64 = 100;

    fn row(n: usize, packets: u64) -> (Entry, PrefixCount) {
        let entry = Entry {
            prefix: prefix::parse(&format!("10.0.{n}.0/24")).unwrap(),
            action: if packets < DENIED {
                Action::Trust
            } else {
                Action::Deny
            },
            label: Label::default(),
            origin: Origin::manual(),
            expires_ns: None,
            saved: false,
            slot: None,
        };
        let count = PrefixCount {
            packets,
            ..PrefixCount::default()
        };
        (entry, count)
    }

    #[test]
    fn the_busiest_are_kept_in_their_order_and_ties_always_go_the_same_way() {
        for (packets, most, expected) in [
            (&[5, 1, 9, 9, 0][..], 3, &[0, 2, 3][..]),
            (&[5, 5, 5, 5], 2, &[0, 1]),
            (&[1, 2], 2, &[0, 1]),
            (&[1, 2], 0, &[]),
            (&[DENIED + 9, 1, DENIED + 8, 0], 2, &[1, 3]),
            (&[DENIED + 8, 1, DENIED + 9], 2, &[1, 2]),
            (&[], 3, &[]),
        ] {
            let rows: Vec<_> = packets
                .iter()
                .enumerate()
                .map(|(n, packets)| row(n, *packets))
                .collect();
            let kept = busiest(rows, most);
            let kept: Vec<String> = kept.iter().map(|(entry, _)| entry.prefix.to_string()).collect();
            let expected: Vec<String> = expected.iter().map(|n| format!("10.0.{n}.0/24")).collect();
            assert_eq!(kept, expected, "{packets:?}");
        }
    }

    #[test]
    fn times_are_seconds_before_and_after_the_reading() {
        let (mut entry, mut count) = row(0, 1);
        let prefix = Prefix::new(entry.clone(), &count, 10 * SECOND);
        assert_eq!((prefix.last_hit_seconds, prefix.expires_seconds), (None, None));
        entry.expires_ns = std::num::NonZeroU64::new(12 * SECOND + 1);
        count.last_ns = 7 * SECOND;
        let prefix = Prefix::new(entry, &count, 10 * SECOND);
        assert_eq!(
            (prefix.last_hit_seconds, prefix.expires_seconds),
            (Some(3), Some(3))
        );
    }
}

//! What is read of a filter for one scrape.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::Path,
};

use filter_common::{DropLevel, PrefixCount};
use ipnet::IpNet;

use crate::{
    filter::{attachment::Attachment, error::Result, instance::Instance, totals::Totals},
    model::{
        entry::{Action, Entry},
        settings::Policy,
    },
    sys::clock,
};

/// What is read of a filter for one scrape.
#[derive(Debug)]
pub struct Snapshot {
    /// Whether packets are dropped.
    pub policy: Policy,
    /// What happens to segments that open no connection.
    pub drop: DropLevel,
    /// Which generation of the lists is in force.
    pub generation: u32,
    /// Its interfaces.
    pub interfaces: Vec<OnInterface>,
    /// Entries that have not expired, by list, IPv4 and IPv6.
    pub entries: Vec<(Action, usize, usize)>,
    /// Entries by list that are gone after a reboot.
    pub runtime_only: Vec<(Action, usize)>,
    /// The entries with the most packets.
    pub prefixes: Vec<(Entry, PrefixCount)>,
    /// How many entries are not among these.
    pub omitted: usize,
}

/// An interface of the filter.
#[derive(Debug)]
pub struct OnInterface {
    /// Its name, fit for a terminal.
    pub name: String,
    /// `native` or `generic`.
    pub mode: &'static str,
    /// See [`Instance::condition`].
    pub condition: &'static str,
    /// What it counted.
    pub totals: Totals,
}

impl OnInterface {
    fn filters(&self) -> bool {
        !matches!(self.condition, "gone" | "overdue" | "elsewhere")
    }
}

impl Snapshot {
    /// Whether the filter is in force on any interface.
    pub fn filters(&self) -> bool {
        self.interfaces.iter().any(OnInterface::filters)
    }

    /// Reads the filter in `pin_dir`, and of its entries the `most` that have the most packets. None if it is not up.
    pub fn read(pin_dir: &Path, most: usize) -> Result<Option<Self>> {
        let filter = match Instance::open(pin_dir) {
            Err(error) if error.is_not_up() => return Ok(None),
            opened => opened?,
        };
        let now = clock::now_ns()?;
        let interface = |attachment: &Attachment| {
            Ok(OnInterface {
                name: attachment.name(),
                mode: attachment.mode().name(),
                condition: filter.condition(attachment, now),
                totals: attachment.totals(filter.pins())?,
            })
        };
        let interfaces = filter
            .attachments()
            .iter()
            .map(interface)
            .collect::<Result<_>>()?;
        let interfaces = one_of_each_name(interfaces);
        let summary = filter.live_summary()?;
        let (policy, drop_level, generation) = (
            filter.settings().policy,
            filter.settings().drop,
            filter.lists().number(),
        );
        let counted = filter.counted()?;
        // What follows takes no look at the kernel.
        drop(filter);
        let omitted = counted.len().saturating_sub(most);
        Ok(Some(Self {
            policy,
            drop: drop_level,
            generation,
            interfaces,
            entries: Action::ALL
                .iter()
                .map(|action| (*action, summary.count(*action).0, summary.count(*action).1))
                .collect(),
            runtime_only: Action::ALL
                .iter()
                .map(|action| (*action, summary.runtime_only(*action)))
                .collect(),
            prefixes: busiest(counted, most),
            omitted,
        }))
    }
}

/// The name of an interface that is gone may be another's by now, and a series has one value: that of the one that filters.
fn one_of_each_name(interfaces: Vec<OnInterface>) -> Vec<OnInterface> {
    let mut of_name: BTreeMap<String, OnInterface> = BTreeMap::new();
    for interface in interfaces {
        if of_name.get(&interface.name).is_none_or(|known| !known.filters()) {
            of_name.insert(interface.name.clone(), interface);
        }
    }
    of_name.into_values().collect()
}

/// The entries with the most packets, trusted ones before others; among equals those that come first. What is dropped says
/// an attacker: it must not push out what comes from those that are trusted.
fn busiest(counted: Vec<(Entry, PrefixCount)>, most: usize) -> Vec<(Entry, PrefixCount)> {
    type Rank = (bool, u64, Reverse<(Action, IpNet)>);
    let rank = |(entry, count): &(Entry, PrefixCount)| -> Rank {
        let is_trusted = entry.action == Action::Trust;
        (is_trusted, count.packets, Reverse((entry.action, entry.prefix)))
    };
    if counted.len() <= most {
        return counted;
    }
    // The lowest of those that are in is on top.
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
    use crate::model::{
        entry::{Label, Origin},
        prefix,
    };

    #[test]
    fn of_interfaces_with_one_name_there_is_the_one_that_filters() {
        let interface = |(condition, packets)| {
            let mut totals = Totals::default();
            totals.passed.packets = packets;
            OnInterface {
                name: "eth0".to_owned(),
                mode: "native",
                condition,
                totals,
            }
        };
        for conditions in [
            [("gone", 1), ("attached", 2)],
            [("attached", 2), ("gone", 1)],
            [("overdue", 1), ("outdated", 2)],
            [("elsewhere", 1), ("attached", 2)],
        ] {
            let one = one_of_each_name(conditions.map(interface).into());
            let packets: Vec<u64> = one
                .iter()
                .map(|interface| interface.totals.passed.packets)
                .collect();
            assert_eq!(packets, [2], "{conditions:?}");
        }
    }

    /// As many packets as only denied prefixes have here.
    const DENIED: u64 = 100;

    #[test]
    fn the_busiest_are_kept_in_their_order_and_ties_always_go_the_same_way() {
        let row = |(n, packets): (usize, &u64)| {
            let entry = Entry {
                prefix: prefix::parse(&format!("10.0.{n}.0/24")).unwrap(),
                action: if *packets < DENIED {
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
                packets: *packets,
                ..PrefixCount::default()
            };
            (entry, count)
        };
        for (packets, most, expected) in [
            (&[5, 1, 9, 9, 0][..], 3, &[0, 2, 3][..]),
            (&[5, 5, 5, 5], 2, &[0, 1]),
            (&[1, 2], 2, &[0, 1]),
            (&[1, 2], 0, &[]),
            (&[DENIED + 9, 1, DENIED + 8, 0], 2, &[1, 3]),
            (&[DENIED + 8, 1, DENIED + 9], 2, &[1, 2]),
            (&[], 3, &[]),
        ] {
            let rows: Vec<_> = packets.iter().enumerate().map(row).collect();
            let kept = busiest(rows, most);
            let kept: Vec<String> = kept.iter().map(|(entry, _)| entry.prefix.to_string()).collect();
            let expected: Vec<String> = expected.iter().map(|n| format!("10.0.{n}.0/24")).collect();
            assert_eq!(kept, expected, "{packets:?}");
        }
    }
}

//! A filter as it was at one moment, without its lock: whoever waits for that does not wait until all is written down.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use filter_common::PrefixCount;
use ipnet::IpNet;

use crate::{
    Result, clock,
    counters::Totals,
    entry::{Action, Entry},
    instance::{Condition, Instance},
    interface::Mode,
    settings::Settings,
    summary::Summary,
};

/// A filter as it was at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What it does.
    pub settings: Settings,
    /// The number of the lists in force.
    pub generation: u32,
    /// How many entries there are, without those that have expired.
    pub summary: Summary,
    /// The interfaces that it is on, in the order of their names; of those with one name the one that filters.
    pub interfaces: Vec<InterfaceCounts>,
    /// Entries, those with the most packets first; among equals, in the order of list and prefix.
    pub prefixes: Vec<(Entry, PrefixCount)>,
    /// How many entries are not among those.
    pub omitted: usize,
}

/// An interface, and what was counted on it.
#[derive(Clone, Debug)]
pub struct InterfaceCounts {
    /// Its name, fit for a terminal.
    pub name: String,
    /// Where its program runs.
    pub mode: Mode,
    /// Whether it filters, and why not.
    pub condition: Condition,
    /// What was counted.
    pub totals: Totals,
}

impl Snapshot {
    /// Reads a filter, with at most `most` entries, and lets it go as soon as nothing more is wanted of it.
    pub fn read(filter: Instance, most: usize) -> Result<Self> {
        let now = clock::now_ns()?;
        let summary = filter.live_summary()?;
        let mut interfaces: BTreeMap<String, InterfaceCounts> = BTreeMap::new();
        for attachment in &filter.attachments {
            let counts = InterfaceCounts {
                name: attachment.name(),
                mode: attachment.mode(),
                condition: filter.condition(attachment, now),
                totals: attachment.totals(&filter.pins)?,
            };
            // The name of one that is gone may be another's by now: a series has one value.
            let known = interfaces.get(&counts.name);
            if known.is_none_or(|known| !known.condition.filters()) {
                interfaces.insert(counts.name.clone(), counts);
            }
        }
        let counted = filter.counted()?;
        let (settings, generation) = (filter.settings.clone(), filter.lists.number());
        drop(filter);
        let total = counted.len();
        let prefixes = busiest(counted, most);
        Ok(Self {
            settings,
            generation,
            summary,
            interfaces: interfaces.into_values().collect(),
            omitted: total - prefixes.len(),
            prefixes,
        })
    }

    /// Whether it is in force anywhere.
    pub fn filters(&self) -> bool {
        self.interfaces
            .iter()
            .any(|interface| interface.condition.filters())
    }
}

/// An entry's rank: the higher come first. No two entries of a filter have the same.
type Rank = (u64, Reverse<(Action, IpNet)>);

/// The `most` entries with the most packets. Of a million entries, most are only compared with the last of those.
fn busiest(counted: Vec<(Entry, PrefixCount)>, most: usize) -> Vec<(Entry, PrefixCount)> {
    let rank = |(entry, count): &(Entry, PrefixCount)| -> Rank {
        (count.packets, Reverse((entry.action, entry.prefix)))
    };
    let mut heap: BinaryHeap<Reverse<(Rank, usize)>> = BinaryHeap::with_capacity(most.min(counted.len()) + 1);
    for (number, entry) in counted.iter().enumerate() {
        heap.push(Reverse((rank(entry), number)));
        if heap.len() > most {
            heap.pop();
        }
    }
    let mut chosen: Vec<usize> = heap.iter().map(|Reverse((_, number))| *number).collect();
    chosen.sort_by_key(|number| Reverse(rank(&counted[*number])));
    chosen.into_iter().map(|number| counted[number].clone()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::{Label, Origin};

    fn entry(number: u8, action: Action, packets: u64) -> (Entry, PrefixCount) {
        let entry = Entry {
            prefix: IpNet::new([192, 0, 2, number].into(), 32).unwrap(),
            action,
            label: Label::default(),
            origin: Origin::manual(),
            expires_ns: None,
            saved: false,
            slot: None,
        };
        (
            entry,
            PrefixCount {
                packets,
                ..PrefixCount::default()
            },
        )
    }

    proptest! {
        #[test]
        fn the_busiest_are_those_that_sorting_all_of_them_finds(
            packets in prop::collection::vec(0_u64..4, 0..40), most in 0_usize..50, seed in any::<u64>()
        ) {
            let actions = [Action::Trust, Action::Deny, Action::Retire];
            let mut all: Vec<_> = (0..).zip(&packets)
                .map(|(number, packets)| entry(number, actions[usize::from(number) % 3], *packets))
                .collect();
            let mut sorted = all.clone();
            sorted.sort_by_key(|(entry, count)| (Reverse(count.packets), entry.action, entry.prefix));
            sorted.truncate(most);
            // Whatever order they come in.
            fastrand::Rng::with_seed(seed).shuffle(&mut all);
            let names = |entries: Vec<(Entry, PrefixCount)>| -> Vec<_> {
                entries.into_iter().map(|(entry, count)| (entry.prefix, count.packets)).collect()
            };
            prop_assert_eq!(names(busiest(all, most)), names(sorted));
        }
    }
}

//! Counters: the sums over CPUs, for any content of the maps.

use filter_common::{InterfaceCounts, PrefixCount, RecentCount, RecentCounts, SLOT_LIMIT};
use filter_user::{
    filter::totals::Totals,
    lists::{
        counters::{ReadChunk, totals_of},
        error::Result,
    },
};

use super::Bytes;

/// A chunk that has the same counter in every slot.
struct Same(PrefixCount);

impl ReadChunk for Same {
    fn read(&mut self, _slot: u32) -> Result<PrefixCount> {
        Ok(self.0)
    }
}

pub(super) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let slots = [0, 1].map(|_| bytes.number() as u32 % SLOT_LIMIT);
    let chunk = bytes.layout::<PrefixCount>();
    let cpus: Vec<InterfaceCounts> = (0..bytes.byte() % 3).map(|_| bytes.layout()).collect();
    let recent = [0, 1].map(|_| {
        let mut recent = RecentCounts {
            places: [RecentCount::default(); RecentCounts::LEN],
        };
        for slot in slots {
            recent.places[RecentCounts::place(slot)] = bytes.layout();
        }
        recent
    });

    let totals = Totals::of(cpus.iter());
    at_least(totals.passed.packets, cpus.iter().map(|cpu| cpu.passed.packets));
    for reason in 0..totals.dropped.len() {
        at_least(
            totals.dropped[reason].bytes,
            cpus.iter().map(|cpu| cpu.dropped[reason].bytes),
        );
        at_least(
            totals.all_dropped(),
            cpus.iter().map(|cpu| cpu.dropped[reason].packets),
        );
        at_least(
            totals.all_would_drop(),
            cpus.iter().map(|cpu| cpu.would_drop[reason].packets),
        );
    }

    let read = totals_of(&mut Same(chunk), || Ok(recent.to_vec()), &slots);
    let read = read.unwrap_or_else(|error| panic!("{error}"));
    for (slot, total) in slots.iter().zip(read) {
        let ours = recent.iter().map(|cpu| cpu.places[RecentCounts::place(*slot)]);
        // While a place moves to the chunk, its packets may be counted in both. Then there is no sum to check.
        if ours.clone().all(|place| place.turn.is_multiple_of(2)) {
            let of_slot = ours.filter(|place| place.slot.checked_sub(1) == Some(*slot));
            at_least(
                total.packets,
                of_slot.map(|place| place.packets).chain([chunk.packets]),
            );
        }
    }
}

/// Panics unless the sum is at least as large as each of its parts.
fn at_least(sum: u64, mut parts: impl Iterator<Item = u64>) {
    assert!(parts.all(|part| part <= sum), "a sum fell");
}

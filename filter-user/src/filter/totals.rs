//! The packets and bytes counted on one interface, by reason.

use aya::maps::{MapData, PerCpuArray};
use filter_common::{Count, InterfaceCounts, REASONS, Reason};

use super::error::Result;
use crate::sys::error::Doing as _;

/// The totals of one interface, added up over all CPUs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Packets that passed, including those in `would_drop`.
    pub passed: Count,
    /// Packets that were dropped, by reason.
    pub dropped: [Count; REASONS],
    /// Packets that passed under `observe` and that `enforce` would have dropped, by reason.
    pub would_drop: [Count; REASONS],
}

impl Totals {
    pub(crate) fn read(map: &PerCpuArray<MapData, InterfaceCounts>) -> Result<Self> {
        let cpus = map
            .get(&0, 0)
            .doing(|| "cannot read the counters of an interface".into())?;
        Ok(Self::of(cpus.iter()))
    }

    /// Adds up the counters of all CPUs.
    pub fn of<'a>(cpus: impl Iterator<Item = &'a InterfaceCounts>) -> Self {
        let mut totals = Self::default();
        for cpu in cpus {
            add(&mut totals.passed, cpu.passed);
            for reason in Reason::ALL {
                add(&mut totals.dropped[reason.index()], cpu.dropped[reason.index()]);
                add(
                    &mut totals.would_drop[reason.index()],
                    cpu.would_drop[reason.index()],
                );
            }
        }
        totals
    }

    /// Packets dropped for any reason.
    pub fn all_dropped(&self) -> u64 {
        packets(&self.dropped)
    }

    /// Packets that `enforce` would have dropped for any reason.
    pub fn all_would_drop(&self) -> u64 {
        packets(&self.would_drop)
    }
}

fn packets(counts: &[Count]) -> u64 {
    counts
        .iter()
        .fold(0, |sum, count| sum.saturating_add(count.packets))
}

fn add(sum: &mut Count, count: Count) {
    sum.packets = sum.packets.saturating_add(count.packets);
    sum.bytes = sum.bytes.saturating_add(count.bytes);
}

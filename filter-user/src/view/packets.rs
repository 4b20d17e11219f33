//! What an interface counted: in sum, and by reason.

use filter_common::Reason;
use serde::Serialize;

use crate::filter::totals::Totals;

/// Packets of one interface, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Packets that passed, would-drops included.
    pub passed: u64,
    /// Packets that were dropped.
    pub dropped: u64,
    /// Packets that `observe` let pass and `enforce` would have dropped.
    pub would_drop: u64,
    /// Drops and would-drops in a second, if the reading took a sample of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drops_per_second: Option<u64>,
}

impl Packets {
    pub(super) fn new(totals: &Totals, drops_per_second: Option<u64>) -> Self {
        Self {
            passed: totals.passed.packets,
            dropped: totals.all_dropped(),
            would_drop: totals.all_would_drop(),
            drops_per_second,
        }
    }

    /// The sums of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let rates = self.drops_per_second.into_iter().chain(other.drops_per_second);
        Self {
            passed: self.passed.saturating_add(other.passed),
            dropped: self.dropped.saturating_add(other.dropped),
            would_drop: self.would_drop.saturating_add(other.would_drop),
            drops_per_second: rates.reduce(u64::saturating_add),
        }
    }
}

/// What one interface counted for one reason.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ReasonCount<'a> {
    /// The interface's name.
    pub interface: &'a str,
    /// The reason's name.
    pub reason: &'static str,
    /// Packets that were dropped.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packets that `observe` let pass and `enforce` would have dropped.
    pub would_drop_packets: u64,
    /// Their bytes.
    pub would_drop_bytes: u64,
}

impl<'a> ReasonCount<'a> {
    pub(super) fn all(interface: &'a str, totals: &'a Totals) -> impl Iterator<Item = Self> {
        Reason::ALL.into_iter().map(move |reason| {
            let (dropped, would_drop) = (totals.dropped[reason.index()], totals.would_drop[reason.index()]);
            Self {
                interface,
                reason: reason.name(),
                packets: dropped.packets,
                bytes: dropped.bytes,
                would_drop_packets: would_drop.packets,
                would_drop_bytes: would_drop.bytes,
            }
        })
    }
}

//! An interface of a filter: whether the filter is in force there, and what it counted.

use serde::{Serialize, Serializer};

use super::packets::{Packets, ReasonCount};
use crate::{
    filter::{
        attachment::{self, Attachment},
        instance::Instance,
        totals::Totals,
    },
    model::mode::Mode,
};

/// Whether the filter is in force on an interface, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In force.
    Attached,
    /// In force, but not as settings, lists and this version ask for.
    Outdated,
    /// In force for as long as the time for a confirmation lasts.
    Unconfirmed,
    /// Not confirmed in time: everything passes.
    Overdue,
    /// The interface is gone, or its program was taken off.
    Gone,
    /// The interface is in another network namespace: it protects nothing here.
    Elsewhere,
}

impl State {
    /// The state at the time `now_ns` of `CLOCK_MONOTONIC`.
    pub fn of(filter: &Instance, attachment: &Attachment, now_ns: u64) -> Self {
        match attachment.state {
            attachment::State::Gone => Self::Gone,
            _ if attachment.is_overdue(now_ns) => Self::Overdue,
            attachment::State::Elsewhere => Self::Elsewhere,
            attachment::State::Attached if !filter.is_current(attachment) => Self::Outdated,
            attachment::State::Attached if attachment.awaits_confirmation() => Self::Unconfirmed,
            attachment::State::Attached => Self::Attached,
        }
    }

    /// The word that users see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Outdated => "outdated",
            Self::Unconfirmed => "unconfirmed",
            Self::Overdue => "overdue",
            Self::Gone => "gone",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// Whether packets that come in on this interface meet the filter, in this network namespace.
    pub const fn is_in_force(self) -> bool {
        match self {
            Self::Attached | Self::Outdated | Self::Unconfirmed => true,
            Self::Overdue | Self::Gone | Self::Elsewhere => false,
        }
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An interface that the filter is on, or was on when it was last seen.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    /// Its name, fit for a terminal.
    pub name: String,
    /// The kernel's number for it.
    pub ifindex: u32,
    /// Where the program runs.
    #[serde(rename = "xdp", serialize_with = "mode")]
    pub mode: Mode,
    /// The kernel's number for the program.
    pub program_id: u32,
    /// Whether the filter is in force on it.
    pub state: State,
    /// Seconds until filtering ends unless it is confirmed.
    pub confirm_seconds: Option<u64>,
    /// What was counted, summed up.
    #[serde(flatten)]
    pub packets: Packets,
    /// What was counted.
    #[serde(skip)]
    pub totals: Totals,
}

impl Interface {
    /// Reads what is not counted; `totals` is what was.
    pub(super) fn new(
        filter: &Instance,
        attachment: &Attachment,
        now_ns: u64,
        totals: Totals,
        drops_per_second: Option<u64>,
    ) -> Self {
        let deadline_ns = attachment.record.confirm_by_ns;
        Self {
            name: attachment.name(),
            ifindex: attachment.record.ifindex,
            mode: attachment.mode(),
            program_id: attachment.program_id,
            state: State::of(filter, attachment, now_ns),
            confirm_seconds: (deadline_ns > now_ns).then(|| (deadline_ns - now_ns).div_ceil(1_000_000_000)),
            packets: Packets::new(&totals, drops_per_second),
            totals,
        }
    }

    /// What was dropped, or would have been, by reason.
    pub fn reasons(&self) -> impl Iterator<Item = ReasonCount<'_>> {
        ReasonCount::all(&self.name, &self.totals)
    }
}

fn mode<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.name())
}

//! The observed state: what the kernel says of the filter.

use crate::model::settings::Policy;

/// The observed state of a filter that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The policy in force.
    pub policy: Policy,
    /// The interfaces that the filter should protect and does not.
    pub unprotected: Vec<Unprotected>,
}

/// An interface that the filter should protect and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprotected {
    /// Its index.
    pub index: u32,
    /// Its name, escaped for a terminal.
    pub name: String,
    /// Why the filter does not protect it.
    pub reason: Reason,
}

/// Why the filter does not protect an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The filter was detached by hand, or has never been attached.
    Detached,
    /// The interface went away and took its program with it, or another tool detached the program; the interface is back.
    Returned,
    /// `up --confirm` was not confirmed in time.
    Unconfirmed,
}

impl Reason {
    /// The reason in the operator's words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Detached => "the filter was taken off it",
            Self::Returned => "its program went with it when it went away",
            Self::Unconfirmed => "it was not confirmed in time",
        }
    }
}

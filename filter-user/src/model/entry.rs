//! An entry of a list: a prefix, what happens to it, what users call it, where it came from.

use std::{fmt, num::NonZeroU64, str::FromStr, sync::Arc};

use filter_common::Action as KernelAction;
use ipnet::IpNet;

use super::prefix::{self, BadPrefix};
use crate::text::{disturbs_terminals, shown};

/// The longest label, in bytes.
pub const MAX_LABEL_BYTES: usize = 31;
/// The longest origin, in bytes. A longer one loses its middle.
pub const MAX_ORIGIN_BYTES: usize = 127;

/// The list of an entry, in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Sources whose connections pass.
    Trust,
    /// Sources that are dropped although a wider prefix is trusted.
    Deny,
    /// Destinations that answer nothing.
    Retire,
}

impl Action {
    /// Every list.
    pub const ALL: [Self; 3] = [Self::Trust, Self::Deny, Self::Retire];

    /// The word of the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trust => "trust",
            Self::Deny => "deny",
            Self::Retire => "retire",
        }
    }

    /// The action in the terms of the kernel program.
    pub const fn kernel(self) -> KernelAction {
        match self {
            Self::Trust => KernelAction::Trust,
            Self::Deny => KernelAction::Deny,
            Self::Retire => KernelAction::Retire,
        }
    }

    /// The action for a number of [`Self::kernel`].
    pub const fn from_number(number: u8) -> Option<Self> {
        match KernelAction::from_number(number) {
            Some(KernelAction::Trust) => Some(Self::Trust),
            Some(KernelAction::Deny) => Some(Self::Deny),
            Some(KernelAction::Retire) => Some(Self::Retire),
            None => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text that cannot be a label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("label '{0}' is longer than {MAX_LABEL_BYTES} bytes, or has a control character; shorten it")]
pub struct BadLabel(String);

/// Text that is not an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// Its first part is not a prefix.
    #[error(transparent)]
    Prefix(#[from] BadPrefix),
    /// Its label does not fit.
    #[error(transparent)]
    Label(#[from] BadLabel),
}

/// A label of an entry, which may be empty. Entries with equal labels share one, since there may be a million of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label(Option<Arc<str>>);

impl Label {
    /// Checks the length, and refuses characters that change what a terminal shows.
    pub fn new(text: &str) -> Result<Self, BadLabel> {
        if text.len() > MAX_LABEL_BYTES || text.chars().any(disturbs_terminals) {
            return Err(BadLabel(shown(text)));
        }
        Ok(Self((!text.is_empty()).then(|| text.into())))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Where an entry came from: `manual`, `file:…`, `provider:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// Cuts the middle out of a long text: both ends of a path are informative.
    pub fn new(text: &str) -> Self {
        let clean: String = text
            .chars()
            .map(|c| if disturbs_terminals(c) { '?' } else { c })
            .collect();
        if clean.len() <= MAX_ORIGIN_BYTES {
            return Self(clean.into());
        }
        let half = (MAX_ORIGIN_BYTES - '…'.len_utf8()) / 2;
        let head = clean.floor_char_boundary(half);
        let tail = clean.ceil_char_boundary(clean.len() - half);
        Self(format!("{}…{}", &clean[..head], &clean[tail..]).into())
    }

    /// The origin of entries from the command line.
    pub fn manual() -> Self {
        Self("manual".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entry to add to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// The user's name for it.
    pub label: Label,
    /// Where it came from.
    pub origin: Origin,
    /// The time limit, in nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: Option<u64>,
    /// Whether it belongs to the agent. The agent restores its entries after a reboot, and removes them when its
    /// configuration or sources no longer have them.
    pub saved: bool,
}

impl From<&Entry> for NewEntry {
    /// A copy without a time limit.
    fn from(entry: &Entry) -> Self {
        Self {
            prefix: entry.prefix,
            label: entry.label.clone(),
            origin: entry.origin.clone(),
            expires_ns: None,
            saved: entry.saved,
        }
    }
}

impl FromStr for NewEntry {
    type Err = BadEntry;

    /// Reads `PREFIX[=LABEL]`.
    fn from_str(text: &str) -> Result<Self, BadEntry> {
        let (prefix, label) = text.split_once('=').unwrap_or((text, ""));
        Ok(Self {
            prefix: prefix::parse(prefix)?,
            label: Label::new(label)?,
            origin: Origin::manual(),
            expires_ns: None,
            saved: false,
        })
    }
}

/// An entry in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// The list that it stands in.
    pub action: Action,
    /// The user's name for it.
    pub label: Label,
    /// Where it came from.
    pub origin: Origin,
    /// The time limit, in nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: Option<NonZeroU64>,
    /// Whether it belongs to the agent. Other entries are gone after a reboot.
    pub saved: bool,
    /// The slot of its counters; `None` until it is in force.
    pub slot: Option<u32>,
}

// A generation can have a million entries, and a change has two generations in memory.
const _: () = assert!(size_of::<Entry>() <= 72);

impl Entry {
    /// Whether its time limit has passed.
    pub fn is_over(&self, now_ns: u64) -> bool {
        self.expires_ns.is_some_and(|deadline| deadline.get() <= now_ns)
    }

    /// Its origin, if it belongs to the agent.
    pub fn kept_by(&self) -> Option<String> {
        self.saved.then(|| self.origin.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_origins_fit() {
        assert!(Label::new(&"x".repeat(MAX_LABEL_BYTES)).is_ok());
        assert!(Label::new(&"x".repeat(MAX_LABEL_BYTES + 1)).is_err());
        for disturbing in ["a\u{1b}[31m", "a\u{9b}31m", "a\u{202e}b", "a\u{61c}b"] {
            assert!(Label::new(disturbing).is_err());
        }
        let long = Origin::new(&format!("file:/{}/list.txt", "ü".repeat(200)));
        assert!(long.as_str().len() <= MAX_ORIGIN_BYTES);
        assert!(long.as_str().starts_with("file:/") && long.as_str().ends_with("/list.txt"));
        assert_eq!(Label::new("").unwrap(), Label::default());
    }
}

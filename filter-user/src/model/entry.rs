//! An entry of a list: a prefix, what happens to it, what users call it, where it came from.

use std::{fmt, num::NonZeroU64, str::FromStr, sync::Arc};

use filter_common::Action as KernelAction;
use ipnet::IpNet;

use super::prefix::{self, BadPrefix};
use crate::text::{disturbs_terminals, shown};

/// Bytes of a label at the most.
pub const MAX_LABEL_BYTES: usize = 31;
/// Bytes of an origin at the most; a longer one loses its middle.
pub const MAX_ORIGIN_BYTES: usize = 127;

/// The list that an entry stands in, in the words of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Sources that get through.
    Trust,
    /// Sources that do not, though a wider prefix is trusted.
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

    /// The same for the kernel program.
    pub const fn kernel(self) -> KernelAction {
        match self {
            Self::Trust => KernelAction::Trust,
            Self::Deny => KernelAction::Deny,
            Self::Retire => KernelAction::Retire,
        }
    }

    /// The list that the kernel program knows by this number.
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

/// Text that is no label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("label '{0}' is longer than {MAX_LABEL_BYTES} bytes, or has a control character; shorten it")]
pub struct BadLabel(String);

/// Text that is no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// It does not begin with a prefix.
    #[error(transparent)]
    Prefix(#[from] BadPrefix),
    /// Its label does not fit.
    #[error(transparent)]
    Label(#[from] BadLabel),
}

/// A label that fits into an entry. May be empty. A million entries with one label share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label(Option<Arc<str>>);

impl Label {
    /// Checks the length, and that it cannot disturb a terminal.
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
    /// Cuts the middle out of what is too long, since both ends of a path tell something.
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

    /// What was typed on the command line.
    pub fn manual() -> Self {
        Self("manual".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entry that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The prefix, without host bits.
    pub prefix: IpNet,
    /// What the user calls it.
    pub label: Label,
    /// Where it came from.
    pub origin: Origin,
    /// When it stops to count, in nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: Option<u64>,
    /// Whether the agent puts it there: then it comes back after a reboot, and goes when the agent says so.
    pub saved: bool,
}

impl From<&Entry> for NewEntry {
    /// The same again, for good.
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
    /// What the user calls it.
    pub label: Label,
    /// Where it came from.
    pub origin: Origin,
    /// When it stops to count, in nanoseconds of `CLOCK_MONOTONIC`.
    pub expires_ns: Option<NonZeroU64>,
    /// Whether the agent put it there; the others are gone after a reboot.
    pub saved: bool,
    /// The slot of its counters; `None` until it is in force.
    pub slot: Option<u32>,
}

// There may be a million of them, twice.
const _: () = assert!(size_of::<Entry>() <= 72);

impl Entry {
    /// Whether its time is over.
    pub fn is_over(&self, now_ns: u64) -> bool {
        self.expires_ns.is_some_and(|deadline| deadline.get() <= now_ns)
    }

    /// Where it comes from, if the agent keeps it there.
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

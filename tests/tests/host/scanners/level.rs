//! The origin's behaviour towards strangers in a test: `observe`, or one of the drop levels.

/// `Observe` is the control: the same scans find everything. It reveals a laboratory in which no packet arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Observe,
    New,
    Unestablished,
    All,
}

pub use Level::{All, New, Observe, Unestablished};

impl Level {
    pub const EACH: [Self; 4] = [Observe, New, Unestablished, All];

    /// The options of `up`.
    pub fn options(self) -> &'static str {
        match self {
            Observe => "--observe --drop all",
            New => "--drop new",
            Unestablished => "--drop unestablished",
            All => "--drop all",
        }
    }

    /// Whether a stranger gets no answer at all.
    pub fn is_silent(self) -> bool {
        matches!(self, Unestablished | All)
    }
}

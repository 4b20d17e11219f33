//! What the origin does about strangers in a test: nothing, or one of the drop levels.

/// The first one is the contrast: the same scans find everything, so that a laboratory in which nothing arrives shows.
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

    /// Whether a stranger is to hear nothing at all.
    pub fn is_silent(self) -> bool {
        matches!(self, Unestablished | All)
    }
}

//! The drop level, as `up` and `set` take it.

use clap::ValueEnum;
use filter_common::DropLevel;

/// What happens to TCP segments from untrusted sources that open no connection
#[derive(Clone, Copy, ValueEnum)]
pub enum Level {
    /// They pass: what was connected before stays connected
    New,
    /// They pass only if this host has a connection that they belong to
    Unestablished,
    /// They are dropped
    All,
}

impl From<Level> for DropLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::New => Self::New,
            Level::Unestablished => Self::Unestablished,
            Level::All => Self::All,
        }
    }
}

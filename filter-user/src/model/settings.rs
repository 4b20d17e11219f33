//! The settings of a filter: protected ports, drop level, policy. Every program is specialised for them.

use filter_common::DropLevel;

use super::{lengths::Lengths, ports::PortSet};

/// Whether packets are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Packets are dropped.
    Enforce,
    /// Packets pass, and are counted as would-drop.
    Observe,
}

impl Policy {
    /// The word of the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// The word of the command line for a drop level.
pub const fn drop_level_name(level: DropLevel) -> &'static str {
    match level {
        DropLevel::New => "new",
        DropLevel::Unestablished => "unestablished",
        DropLevel::All => "all",
    }
}

/// The settings of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Protected TCP ports.
    pub tcp: PortSet,
    /// Protected UDP ports.
    pub udp: PortSet,
    /// What happens to segments that open no connection.
    pub drop: DropLevel,
    /// Whether packets are dropped.
    pub policy: Policy,
    /// The networks that drops are counted by. Fixed for the life of a filter.
    pub sources: Lengths,
    /// The secret of the hash, so that attackers cannot choose colliding addresses. Fixed for the life of a filter.
    pub secret: u64,
}

impl Settings {
    /// The settings of a new filter unless a user says otherwise: TCP ports 80 and 443, level `new`, policy `enforce`.
    pub fn new(secret: u64) -> Self {
        Self {
            tcp: PortSet::of([80, 443]),
            udp: PortSet::none(),
            drop: DropLevel::New,
            policy: Policy::Enforce,
            sources: Lengths::default(),
            secret,
        }
    }
}

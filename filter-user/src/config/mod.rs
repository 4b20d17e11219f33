//! The configuration file: what the agent brings about.

use std::{net::SocketAddr, path::PathBuf};

use filter_common::DropLevel;

use crate::{
    attach::Wanted,
    entry::{Action, NewEntry},
    feed::Feed,
    ports::PortSet,
    settings::Policy,
    sources::Lengths,
};

/// What a configuration file says, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, without symbolic links; relative paths in it start at its directory.
    pub path: PathBuf,
    /// The interfaces to be on.
    pub interfaces: Vec<InterfacePattern>,
    /// Whether packets are dropped.
    pub policy: Policy,
    /// What happens to segments that open no connection.
    pub drop: DropLevel,
    /// Protected TCP ports.
    pub tcp: PortSet,
    /// Protected UDP ports.
    pub udp: PortSet,
    /// The networks that drops are counted by.
    pub count_sources_by: Lengths,
    /// Where programs run.
    pub xdp: Wanted,
    /// What becomes of the filter when the agent stops.
    pub on_stop: OnStop,
    /// The prefixes in the file itself, and the lists that they stand in.
    pub entries: Vec<(Action, NewEntry)>,
    /// List files, absolute paths. The first that has a prefix gives its label and origin.
    pub files: Vec<(Action, PathBuf)>,
    /// Lists that are fetched.
    pub feeds: Vec<Feed>,
    /// Where metrics are served, if they are.
    pub metrics: Option<Metrics>,
    /// Where last good copies are kept.
    pub state_dir: PathBuf,
}

/// An interface's name, or a glob for several: `eth*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfacePattern(pub glob::Pattern);

/// What becomes of the filter when the agent stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    /// It stays in force.
    Keep,
    /// It is taken down, and removed.
    Detach,
}

/// How metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// A loopback address and a port.
    pub listen: SocketAddr,
    /// Of how many prefixes counters are shown.
    pub prefixes: usize,
}

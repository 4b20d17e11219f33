//! What a configuration file says, checked.

use std::{net::SocketAddr, path::PathBuf};

use filter_common::DropLevel;

use crate::{
    feed::definition::Feed,
    model::{
        entry::{Action, NewEntry},
        lengths::Lengths,
        mode::RequestedMode,
        ports::PortSet,
        settings::Policy,
    },
};

/// Where the configuration file is, unless told otherwise.
pub const DEFAULT: &str = "/etc/synwall/synwall.toml";

/// What a configuration file says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file, an absolute path; relative paths in it start at its directory.
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
    pub xdp: RequestedMode,
    /// What becomes of the filter when the agent stops.
    pub on_stop: OnStop,
    /// The prefixes in the file itself, and the lists that they stand in.
    pub entries: Vec<(Action, NewEntry)>,
    /// List files, absolute paths. The first that has a prefix gives its label and origin. Those in `saved/` that are there
    /// come after all others.
    pub files: Vec<(Action, PathBuf)>,
    /// Lists that are fetched, in the order of their names.
    pub feeds: Vec<Feed>,
    /// Where metrics are served, if they are.
    pub metrics: Option<Metrics>,
    /// The file's text.
    pub text: String,
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

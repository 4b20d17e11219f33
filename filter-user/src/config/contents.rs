//! The contents of a configuration file, checked.

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

/// The default path of the configuration file.
pub const DEFAULT: &str = "/etc/synwall/synwall.toml";

/// The contents of a configuration file, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The absolute path of the file. Relative paths in it start at its directory.
    pub path: PathBuf,
    /// The interfaces to attach the filter to.
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
    /// The XDP mode.
    pub xdp: RequestedMode,
    /// What happens to the filter when the agent ends.
    pub on_stop: OnStop,
    /// The prefixes in the file itself, each with its list.
    pub entries: Vec<(Action, NewEntry)>,
    /// List files, as absolute paths. The first file with a prefix gives its label and origin. Existing files in `saved/`
    /// come last.
    pub files: Vec<(Action, PathBuf)>,
    /// The fetched lists, sorted by name.
    pub feeds: Vec<Feed>,
    /// The metrics server, if there is one.
    pub metrics: Option<Metrics>,
    /// The text of the file.
    pub text: String,
}

/// The name of an interface, or a glob such as `eth*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfacePattern(pub glob::Pattern);

/// What happens to the filter when the agent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    /// It stays in force.
    Keep,
    /// It is taken down, and removed.
    Detach,
}

/// The settings of the metrics server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// A loopback address and a port.
    pub listen: SocketAddr,
    /// How many prefixes get counters of their own.
    pub prefixes: usize,
}

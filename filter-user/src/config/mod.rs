//! The configuration file: what the agent brings about.

mod file;
mod meaning;
mod mistake;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use filter_common::DropLevel;

pub use mistake::Mistake;

use crate::{
    Error, Result,
    attach::Wanted,
    entry::{Action, NewEntry},
    feed::Feed,
    ports::PortSet,
    settings::Policy,
    sources::Lengths,
    trusted_file::{self, NotRead},
    trusted_path::Exposed,
};

/// What a configuration file says, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file; relative paths in it start at its directory.
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
    /// The file's text.
    pub text: String,
    /// That a group can change the file.
    pub exposed: Option<Exposed>,
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

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self> {
        let file = || mistake::name(path);
        let read = trusted_file::read(path).map_err(|why| match why {
            NotRead::Io(source) => Error::ConfigFile { file: file(), source },
            NotRead::Exposed(exposed) => Error::ExposedConfig {
                file: file(),
                exposed,
            },
        })?;
        let text = String::from_utf8(read.bytes).map_err(|_| {
            Error::Config(Mistake {
                file: file(),
                line: None,
                reason: "it is not UTF-8 text".into(),
            })
        })?;
        let mut config = Self::parse(&text, path)?;
        config.exposed = read.exposed;
        Ok(config)
    }

    /// Reads what `text` says, which stands in the file `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        meaning::read(text, path).map_err(Error::Config)
    }

    /// Where `--save` writes: a directory beside the configuration file, whose lists belong to it.
    pub fn saved_dir_of(path: &Path) -> PathBuf {
        path.with_file_name("saved")
    }
}

//! The configuration file: what the agent brings about.
//!
//! A text is read as [`file::File`], whose mistakes are told by [`mistake`], then [`check`]ed and understood; [`show`]
//! goes the way back.

mod check;
mod file;
mod mistake;
mod ranks;
mod reference;
#[cfg(test)]
mod round_trip;
mod show;
mod source;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use filter_common::DropLevel;

use crate::{
    Error, Result,
    feed::Feed,
    filter::attach::Wanted,
    lists::sources::Lengths,
    model::{
        entry::{Action, NewEntry},
        ports::PortSet,
        settings::Policy,
    },
    sys::{
        file::{self as trusted_file, NotRead, TrustedFile},
        path::Exposed,
    },
};

pub use mistake::Mistake;
pub use ranks::{Place, Ranks};
pub use reference::markdown;
pub use source::{GRACE, INTERVAL, JITTER, TIMEOUT};

/// Where the configuration file is, unless told otherwise.
pub const DEFAULT: &str = "/etc/synwall/synwall.toml";

/// The directory beside the configuration file that has the lists of `--save`.
pub const SAVED: &str = "saved";

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
    pub xdp: Wanted,
    /// What becomes of the filter when the agent stops.
    pub on_stop: OnStop,
    /// The prefixes in the file itself, and the lists that they stand in.
    pub entries: Vec<(Action, NewEntry)>,
    /// List files, absolute paths. The first that has a prefix gives its label and origin. Those in [`SAVED`] that are there
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

impl Config {
    /// Reads the file at `path`, which may be a pipe. That a group can change it comes back beside it.
    pub fn read_file(path: &Path) -> Result<(Self, Option<Exposed>), Vec<Error>> {
        Self::read_with(path, trusted_file::read)
    }

    fn read_with(
        path: &Path,
        read: impl Fn(&Path) -> Result<TrustedFile, NotRead>,
    ) -> Result<(Self, Option<Exposed>), Vec<Error>> {
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = || mistake::clean(&path.display().to_string());
        let TrustedFile { bytes, exposed, .. } = read(path).map_err(|why| {
            vec![match why {
                NotRead::Io(source) => Error::ConfigFile { file: name(), source },
                NotRead::Exposed(exposed) => Error::ExposedConfig {
                    file: name(),
                    exposed,
                },
            }]
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes());
            let what = "this is not UTF-8 text; save the file as UTF-8";
            vec![Mistake::new(path, &text, good, what).into()]
        })?;
        let config = Self::understand(&text, path);
        match config {
            Ok(config) => Ok((config.with_saved(), exposed)),
            Err(mistakes) => Err(mistakes.into_iter().map(Error::from).collect()),
        }
    }

    /// Reads the regular file at `path`. That a group can change it is logged.
    pub fn read(path: &Path) -> Result<Self> {
        let regular = |path: &Path| trusted_file::read_regular(path, trusted_file::MAX_BYTES);
        match Self::read_with(path, regular) {
            Ok((config, exposed)) => {
                if let Some(exposed) = exposed {
                    log::warn!(
                        "the configuration {} can be changed by {exposed}",
                        config.path.display()
                    );
                }
                Ok(config)
            }
            Err(errors) => Err(first(errors, path)),
        }
    }

    /// What `text` would say in the file at `path`. Of files, it is only looked which ones there are in [`SAVED`].
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        match Self::understand(text, path) {
            Ok(config) => Ok(config.with_saved()),
            Err(mistakes) => Err(first(mistakes.into_iter().map(Error::from).collect(), path)),
        }
    }

    /// What `text` would say in the file at `path`, or everything that is wrong with it. Looks at no file.
    pub fn understand(text: &str, path: &Path) -> Result<Self, Vec<Mistake>> {
        check::check(text, path)
    }

    /// It as a file that says the same, with every default.
    pub fn show(&self) -> Result<String> {
        show::show(self)
    }

    /// The same as JSON.
    pub fn show_json(&self) -> Result<serde_json::Value> {
        show::json(self)
    }

    /// The same with those lists in [`SAVED`] that are there now, and those that may be and cannot be looked at: to read
    /// these says why. Where [`SAVED`] is a link that leads nowhere, there are none.
    #[must_use]
    pub fn with_saved(self) -> Self {
        self.with_saved_or(|_| false)
    }

    /// The same with those, too, that are known to have been there.
    #[must_use]
    pub(crate) fn with_saved_or(mut self, was_there: impl Fn(&(Action, PathBuf)) -> bool) -> Self {
        let saved = Action::ALL.map(|action| (action, Self::saved_list(&self.path, action)));
        self.files.retain(|file| !saved.contains(file));
        let is_there = |file: &(Action, PathBuf)| !is_absent(&file.1) || was_there(file);
        self.files.extend(saved.into_iter().filter(is_there));
        self
    }

    /// The directory of the lists of `--save`, beside the configuration file at `path`.
    pub fn saved_dir_of(path: &Path) -> PathBuf {
        path.with_file_name(SAVED)
    }

    /// The list file of `--save`, beside the configuration file at `path`.
    pub fn saved_list(path: &Path, action: Action) -> PathBuf {
        Self::saved_dir_of(path).join(format!("{action}.list"))
    }
}

/// Whether there certainly is no such file, nor a link of that name.
fn is_absent(file: &Path) -> bool {
    let found = file.symlink_metadata();
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn first(errors: Vec<Error>, path: &Path) -> Error {
    let none = || Mistake::new(path, "", 0, "it cannot be read").into();
    errors.into_iter().next().unwrap_or_else(none)
}

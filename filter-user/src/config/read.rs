//! Reading a configuration file.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    check,
    contents::Config,
    error::{Error, Result},
    mistake::Mistake,
};
use crate::{
    files::saved,
    model::entry::Action,
    sys::{
        file::{self, NotRead, TrustedFile},
        path::Exposed,
    },
    text,
};

impl Config {
    /// Reads the file at `path`, which may be a pipe. The second value is set if a group can change the file.
    pub fn read_file(path: &Path) -> Result<(Self, Option<Exposed>), Vec<Error>> {
        Self::read_with(path, file::read)
    }

    fn read_with(
        path: &Path,
        read: impl Fn(&Path) -> Result<TrustedFile, NotRead>,
    ) -> Result<(Self, Option<Exposed>), Vec<Error>> {
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = || text::line(&path.display().to_string());
        let TrustedFile { bytes, exposed, .. } = read(path).map_err(|why| {
            vec![match why {
                NotRead::Io(source) => Error::File { file: name(), source },
                NotRead::Exposed(exposed) => Error::Exposed {
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
        let config = Self::from_toml(&text, path);
        match config {
            Ok(config) => Ok((config.with_saved(), exposed)),
            Err(mistakes) => Err(mistakes.into_iter().map(Error::from).collect()),
        }
    }

    /// Reads the regular file at `path`. Logs a warning if a group can change it.
    pub fn read(path: &Path) -> Result<Self> {
        let regular = |path: &Path| file::read_regular(path, file::MAX_BYTES);
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

    /// Reads `text` as the file at `path`. It opens no file, but looks which files `saved/` has.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        match Self::from_toml(text, path) {
            Ok(config) => Ok(config.with_saved()),
            Err(mistakes) => Err(first(mistakes.into_iter().map(Error::from).collect(), path)),
        }
    }

    /// Reads `text` as the file at `path`. The error has every mistake. It opens no file.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, Vec<Mistake>> {
        check::check(text, path)
    }

    /// Adds the lists in `saved/` that exist. A list that cannot be examined counts as existing, so that reading it
    /// reports why. If `saved/` is a dangling link, there are none.
    #[must_use]
    pub fn with_saved(self) -> Self {
        self.with_saved_or(|_| false)
    }

    /// Adds, too, the lists that existed before.
    #[must_use]
    pub(crate) fn with_saved_or(mut self, was_there: impl Fn(&(Action, PathBuf)) -> bool) -> Self {
        let saved = Action::ALL.map(|action| (action, saved::list_of(&self.path, action)));
        self.files.retain(|file| !saved.contains(file));
        let is_there = |file: &(Action, PathBuf)| !is_absent(&file.1) || was_there(file);
        self.files.extend(saved.into_iter().filter(is_there));
        self
    }
}

/// Whether the file certainly does not exist, not even as a dangling link.
fn is_absent(file: &Path) -> bool {
    let found = file.symlink_metadata();
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn first(errors: Vec<Error>, path: &Path) -> Error {
    let none = || Mistake::new(path, "", 0, "it cannot be read").into();
    errors.into_iter().next().unwrap_or_else(none)
}

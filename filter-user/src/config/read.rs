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
    /// Reads the file at `path`, which may be a pipe. That a group can change it comes back beside it.
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

    /// Reads the regular file at `path`. That a group can change it is logged.
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

    /// What `text` would say in the file at `path`. Of files, it is only looked which ones there are in `saved/`.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        match Self::from_toml(text, path) {
            Ok(config) => Ok(config.with_saved()),
            Err(mistakes) => Err(first(mistakes.into_iter().map(Error::from).collect(), path)),
        }
    }

    /// What `text` would say in the file at `path`, or everything that is wrong with it. Looks at no file.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, Vec<Mistake>> {
        check::check(text, path)
    }

    /// The same with those lists in `saved/` that are there now, and those that may be and cannot be looked at: to read
    /// these says why. Where `saved/` is a link that leads nowhere, there are none.
    #[must_use]
    pub fn with_saved(self) -> Self {
        self.with_saved_or(|_| false)
    }

    /// The same with those, too, that are known to have been there.
    #[must_use]
    pub(crate) fn with_saved_or(mut self, was_there: impl Fn(&(Action, PathBuf)) -> bool) -> Self {
        let saved = Action::ALL.map(|action| (action, saved::list_of(&self.path, action)));
        self.files.retain(|file| !saved.contains(file));
        let is_there = |file: &(Action, PathBuf)| !is_absent(&file.1) || was_there(file);
        self.files.extend(saved.into_iter().filter(is_there));
        self
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

//! The paths of the lists of `--save`, next to the configuration file.

use std::path::{Path, PathBuf};

use crate::model::entry::Action;

/// The directory of the lists of `--save`, next to the configuration file.
pub const SAVED: &str = "saved";

/// The directory of the lists of `--save`, for the configuration file at `config`.
pub fn directory_of(config: &Path) -> PathBuf {
    config.with_file_name(SAVED)
}

/// The list file of `--save`, for the configuration file at `config`.
pub fn list_of(config: &Path, action: Action) -> PathBuf {
    directory_of(config).join(format!("{action}.list"))
}

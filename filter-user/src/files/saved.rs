//! Where `--save` keeps its lists: beside the configuration file.

use std::path::{Path, PathBuf};

use crate::model::entry::Action;

/// The directory beside the configuration file that has the lists of `--save`.
pub const SAVED: &str = "saved";

/// The directory of the lists of `--save`, beside the configuration file at `config`.
pub fn directory_of(config: &Path) -> PathBuf {
    config.with_file_name(SAVED)
}

/// The list file of `--save`, beside the configuration file at `config`.
pub fn list_of(config: &Path, action: Action) -> PathBuf {
    directory_of(config).join(format!("{action}.list"))
}

//! What is wrong with a pin directory.

use std::path::PathBuf;

use crate::sys;

/// A result of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a pin directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel or the file system refused something.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// No BPF file system.
    #[error(
        "{path} is not on a BPF file system, where the filter would be kept; mount one: mount -t bpf -o mode=0700 bpf /sys/fs/bpf"
    )]
    NoBpffs {
        /// The pin directory.
        path: PathBuf,
    },
    /// Another agent keeps the filter.
    #[error(
        "another agent (synwall run) keeps the filter in {path}; stop that one, or give this one a filter of its own: --pin-dir DIR"
    )]
    OtherAgent {
        /// The pin directory.
        path: PathBuf,
    },
    /// No filter is pinned there.
    #[error("synwall is not up: nothing is pinned in {path}; start with: synwall up IFACE --trust PREFIX")]
    NotUp {
        /// The pin directory.
        path: PathBuf,
    },
    /// The directory belongs to something else.
    #[error(
        "{path} is not a place for synwall: {what}; nothing was touched. Choose another with --pin-dir or SYNWALL_PIN_DIR"
    )]
    ForeignPins {
        /// The pin directory.
        path: PathBuf,
        /// What was found there.
        what: String,
    },
    /// The pins were made by a version with other maps.
    #[error(
        "the filter in {path} was set up by another version of synwall ({what}); it goes on filtering. Change it with that version, or remove it and start again: synwall down --all, then synwall up …"
    )]
    OtherLayout {
        /// The pin directory.
        path: PathBuf,
        /// In what it differs.
        what: String,
    },
    /// A pinned map that is missing, or another one.
    #[error(
        "cannot use the map pinned as {path}: {source}; if others have changed or removed it, take the filter down and set it up anew: synwall down --all, then synwall up …"
    )]
    Map {
        /// Where it is pinned, or should be.
        path: PathBuf,
        /// What the kernel said, or in what it differs.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

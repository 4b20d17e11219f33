//! Errors of the pins layer.

use std::path::PathBuf;

use crate::sys;

/// The result type of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a pin directory, or a map in it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// The pin directory is not on a BPF file system.
    #[error(
        "{path} is not on a BPF file system, where the filter would be kept; mount one: mount -t bpf -o mode=0700 bpf /sys/fs/bpf"
    )]
    NoBpffs {
        /// The pin directory.
        path: PathBuf,
    },
    /// Another agent holds the lock of this filter.
    #[error(
        "another agent (synwall run) keeps the filter in {path}; stop that one, or give this one a filter of its own: --pin-dir DIR"
    )]
    OtherAgent {
        /// The pin directory.
        path: PathBuf,
    },
    /// No filter is pinned in the directory.
    #[error("synwall is not up: nothing is pinned in {path}; start with: synwall up IFACE --trust PREFIX")]
    NotUp {
        /// The pin directory.
        path: PathBuf,
    },
    /// The directory cannot hold a filter: something else is in it, or other users could change it.
    #[error(
        "{path} is not a place for synwall: {what}; nothing was touched. Choose another with --pin-dir or SYNWALL_PIN_DIR"
    )]
    ForeignPins {
        /// The pin directory.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The filter was pinned by a version with another layout, or its maps differ from the layout.
    #[error(
        "the filter in {path} was set up by another version of synwall ({what}); it goes on filtering. Change it with that version, or remove it and start again: synwall down --all, then synwall up …"
    )]
    OtherLayout {
        /// The pin directory.
        path: PathBuf,
        /// The difference to the layout of this version.
        what: String,
    },
    /// A pinned map is missing, or is not the map that was expected.
    #[error(
        "cannot use the map pinned as {path}: {source}; if others have changed or removed it, take the filter down and set it up anew: synwall down --all, then synwall up …"
    )]
    Map {
        /// The path of the pin.
        path: PathBuf,
        /// The error of the kernel, or the difference to the expected map.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

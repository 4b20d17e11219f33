//! What the kernel or the file system refused.

use std::path::PathBuf;

/// A result of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the kernel or the file system refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{doing}: {source}")]
    Kernel {
        /// What was being done.
        doing: String,
        /// What the kernel said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The running kernel is too old.
    #[error("kernel {found} is too old: synwall needs Linux 5.10 or newer")]
    KernelTooOld {
        /// What `uname -r` says.
        found: String,
    },
    /// This process lacks capabilities.
    #[error(
        "not permitted: {missing} missing; run as root (sudo), or grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
    )]
    NotPermitted {
        /// Which capabilities are missing.
        missing: String,
    },
    /// Maps count as locked memory, and there may not be enough of it.
    #[error(
        "not permitted: before Linux 5.11 lists count against RLIMIT_MEMLOCK, and {most} bytes are not enough; run as root (sudo), grant CAP_SYS_RESOURCE too, or lift it: ulimit -l unlimited, for a service LimitMEMLOCK=infinity"
    )]
    LockedMemory {
        /// What the process may lock at the most, in bytes.
        most: u64,
    },
    /// No interface has that name.
    #[error("there is no interface '{0}' in this network namespace; see: ip -brief link")]
    UnknownInterface(String),
    /// Another command has the lock.
    #[error(
        "another synwall command is at work on {path} (waited {seconds} s for it); try again when it is done. Nothing was changed"
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
}

/// Says what was being done when a call failed.
pub(crate) trait Doing<T> {
    /// Wraps the error.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Kernel {
            doing: what(),
            source: Box::new(source),
        })
    }
}

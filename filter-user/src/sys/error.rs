//! Errors of calls to the kernel and the file system.

use std::path::PathBuf;

/// The result type of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call to the kernel or the file system failed, or cannot succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{doing}: {source}")]
    Kernel {
        /// What synwall tried to do, as the beginning of a message.
        doing: String,
        /// The error of the kernel or of aya.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The running kernel is older than the oldest supported one.
    #[error("kernel {found} is too old: synwall needs Linux 5.10 or newer")]
    KernelTooOld {
        /// The release of the kernel, as in `uname -r`.
        found: String,
    },
    /// This process lacks capabilities.
    #[error(
        "not permitted: {missing} missing; run as root (sudo), or grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
    )]
    NotPermitted {
        /// The names of the missing capabilities.
        missing: String,
    },
    /// Maps count as locked memory on this kernel, and the limit may be too low.
    #[error(
        "not permitted: before Linux 5.11 lists count against RLIMIT_MEMLOCK, and {most} bytes are not enough; run as root (sudo), grant CAP_SYS_RESOURCE too, or lift it: ulimit -l unlimited, for a service LimitMEMLOCK=infinity"
    )]
    LockedMemory {
        /// The limit of locked memory, in bytes.
        most: u64,
    },
    /// No interface in this network namespace has this name.
    #[error("there is no interface '{0}' in this network namespace; see: ip -brief link")]
    UnknownInterface(String),
    /// Another command holds the lock.
    #[error(
        "another synwall command is at work on {path} (waited {seconds} s for it); try again when it is done. Nothing was changed"
    )]
    Locked {
        /// The pin directory.
        path: PathBuf,
        /// How long this command waited, in seconds.
        seconds: u64,
    },
}

/// Turns any error into [`Error::Kernel`], with what synwall tried to do.
pub(crate) trait Doing<T> {
    /// Calls `what` only if there is an error.
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

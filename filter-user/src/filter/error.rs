//! Errors of the filter layer.

use std::io;

use crate::{lists, model::rules, pins, sys};

/// The result type of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a filter cannot be opened, attached or changed. Nothing has changed, unless the message says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// The pin directory cannot be used.
    #[error(transparent)]
    Pins(#[from] pins::error::Error),
    /// The lists cannot be read or put in force.
    #[error(transparent)]
    Lists(#[from] lists::error::Error),
    /// The change of the lists is not allowed.
    #[error(transparent)]
    Rules(#[from] rules::Error),
    /// An enforcing filter would have no trusted prefix, so it would drop every new connection.
    #[error(
        "no trusted prefix: every new connection to the protected ports would be dropped; trust somebody first (up --trust, --trust-file, --provider; trust add), or look without dropping (--observe)"
    )]
    NobodyTrusted,
    /// The filter is not attached to the named interface.
    #[error("synwall is not up on '{name}'{known}")]
    NotAttached {
        /// The name of the interface.
        name: String,
        /// The end of the message: where the filter is attached instead.
        known: String,
    },
    /// Another XDP program is on the interface.
    #[error(
        "{interface} already has another XDP program: {program}; synwall does not overwrite it. Detach it with its own tool, or with: ip link set dev {interface} {xdp} off"
    )]
    Occupied {
        /// The name of the interface.
        interface: String,
        /// The name and ID of the other program.
        program: String,
        /// The word for the mode in iproute2, for the command that detaches the program.
        xdp: &'static str,
    },
    /// The driver has no native XDP.
    #[error(
        "{interface} cannot run XDP natively: {source}; use --xdp auto or --xdp generic, which work on every interface at a higher cost per packet"
    )]
    NoNativeMode {
        /// The name of the interface.
        interface: String,
        /// The error of the kernel.
        source: io::Error,
    },
    /// The kernel refused to attach the program.
    #[error("cannot attach to {interface} ({mode} XDP): {source}{hint}")]
    Attach {
        /// The name of the interface.
        interface: String,
        /// The mode that was tried.
        mode: &'static str,
        /// The error of the kernel.
        source: io::Error,
        /// The end of the message: what to check. It may be empty.
        hint: &'static str,
    },
    /// The kernel created no link, so the attachment would end with this process.
    #[error(
        "the kernel gave {0} no XDP link that can be pinned, so filtering would end with this command; it was detached again. Kernel 5.10 or newer is needed"
    )]
    LinkNotPinnable(String),
}

impl Error {
    /// Whether the error means that no filter exists.
    pub fn is_not_up(&self) -> bool {
        matches!(self, Self::Pins(pins::error::Error::NotUp { .. }))
    }

    /// Whether the error means that another command holds the lock.
    pub fn is_locked(&self) -> bool {
        matches!(
            self,
            Self::Pins(pins::error::Error::Sys(sys::error::Error::Locked { .. }))
        )
    }
}

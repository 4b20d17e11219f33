//! Why a filter cannot be opened, attached or changed.

use std::io;

use crate::{lists, model::rules, pins, sys};

/// A result of this layer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a filter cannot be opened, attached or changed. Nothing has been changed when one of these is returned, unless it says
/// so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused something.
    #[error(transparent)]
    Sys(#[from] sys::error::Error),
    /// The pin directory cannot be used.
    #[error(transparent)]
    Pins(#[from] pins::error::Error),
    /// The lists cannot be read or put in force.
    #[error(transparent)]
    Lists(#[from] lists::error::Error),
    /// The lists cannot be changed in that way.
    #[error(transparent)]
    Rules(#[from] rules::Error),
    /// Nobody would be trusted.
    #[error(
        "no trusted prefix: every new connection to the protected ports would be dropped; trust somebody first (up --trust, --trust-file, --provider; trust add), or look without dropping (--observe)"
    )]
    NobodyTrusted,
    /// The filter is not on that interface.
    #[error("synwall is not up on '{name}'{known}")]
    NotAttached {
        /// The interface.
        name: String,
        /// Where it is up.
        known: String,
    },
    /// Somebody else's XDP program is there.
    #[error(
        "{interface} already has another XDP program: {program}; synwall does not overwrite it. Detach it with its own tool, or with: ip link set dev {interface} {xdp} off"
    )]
    Occupied {
        /// The interface.
        interface: String,
        /// The program's name and number.
        program: String,
        /// The word that iproute2 has for the mode.
        xdp: &'static str,
    },
    /// The driver runs no XDP programs.
    #[error(
        "{interface} cannot run XDP natively: {source}; use --xdp auto or --xdp generic, which work on every interface at a higher cost per packet"
    )]
    NoNativeMode {
        /// The interface.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel would not attach the program.
    #[error("cannot attach to {interface} ({mode} XDP): {source}{hint}")]
    Attach {
        /// The interface.
        interface: String,
        /// The mode that was tried.
        mode: &'static str,
        /// What the kernel said.
        source: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// A link that would not outlive this process.
    #[error(
        "the kernel gave {0} no XDP link that can be pinned, so filtering would end with this command; it was detached again. Kernel 5.10 or newer is needed"
    )]
    LinkNotPinnable(String),
}

impl Error {
    /// Whether there is no filter.
    pub fn is_not_up(&self) -> bool {
        matches!(self, Self::Pins(pins::error::Error::NotUp { .. }))
    }

    /// Whether another command has the filter locked.
    pub fn is_locked(&self) -> bool {
        matches!(
            self,
            Self::Pins(pins::error::Error::Sys(sys::error::Error::Locked { .. }))
        )
    }
}

//! The mode of an XDP program, and the mode that a user asks for.

/// The mode of an XDP program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the driver, before the kernel spends an skb.
    Native,
    /// In the kernel's generic hook, on any interface, after the skb is made.
    Generic,
}

impl Mode {
    /// The word of the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }

    /// The word of iproute2.
    pub const fn iproute2(self) -> &'static str {
        match self {
            Self::Native => "xdpdrv",
            Self::Generic => "xdpgeneric",
        }
    }
}

/// Which mode a user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedMode {
    /// Native, or generic where the driver has no native mode.
    Auto,
    /// Native or nothing.
    Native,
    /// Generic.
    Generic,
}

impl RequestedMode {
    /// The mode, or none if any will do.
    pub const fn mode(self) -> Option<Mode> {
        match self {
            Self::Auto => None,
            Self::Native => Some(Mode::Native),
            Self::Generic => Some(Mode::Generic),
        }
    }
}

//! The networks that drops came from.

use ipnet::IpNet;
use serde::Serialize;

use crate::lists::sources;

/// Packets of a network that stands out of a flood.
const CLEAR: u64 = 10;

/// The networks that drops came from.
#[derive(Clone, Debug, Serialize)]
pub struct Sources {
    /// The networks that are counted apart, the one with the most packets first.
    pub sources: Vec<Source>,
    /// Packets from networks that are not counted apart.
    #[serde(rename = "sources_others")]
    pub others: u64,
}

/// A network that drops came from.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Source {
    /// The network.
    pub prefix: IpNet,
    /// Packets, at the least.
    pub packets: u64,
    /// Bytes, at the least.
    pub bytes: u64,
    /// How many packets there may have been beside: the true number is at most `packets + error`.
    pub error: u64,
}

impl Source {
    /// Whether it stands out. Of a flood from everywhere, a few networks are always listed with the packet or two that they
    /// sent.
    pub const fn is_clear(&self) -> bool {
        self.error == 0 || self.packets >= CLEAR
    }
}

impl From<sources::Sources> for Sources {
    fn from(sources: sources::Sources) -> Self {
        let source = |source: sources::Source| Source {
            prefix: source.prefix,
            packets: source.packets,
            bytes: source.bytes,
            error: source.error,
        };
        Self {
            sources: sources.networks.into_iter().map(source).collect(),
            others: sources.others,
        }
    }
}

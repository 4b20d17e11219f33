//! The sides of a comparison. Each has its own namespace at the end of its own cable.

#[cfg(test)]
mod every_side;
mod nft;
mod scripts;
mod synwall;
mod xdp_filter;

use std::path::PathBuf;

use aya::Ebpf;

pub use nft::Hook;
pub use synwall::{Level, Synwall};

use super::prefixes::Prefixes;
use super::programs;
use super::wires::{Receiver, Sender};

/// A filter that drops packets from strangers; or, for comparison, a program that drops or passes everything.
#[derive(Debug)]
pub struct Side {
    /// Which side it is.
    pub kind: Kind,
    /// The number of trusted prefixes of the measured IP version. `None` if the side has no prefixes.
    pub trusted: Option<usize>,
    /// The namespace and the cable of the side.
    pub receiver: Receiver,
    how: How,
}

/// The kinds of sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program that drops every frame unread: no filter can be faster.
    Bound,
    /// A program that passes every frame unread: no filter at all.
    Pass,
    /// synwall with all its features.
    Synwall,
    /// synwall at drop level `unestablished`.
    SynwallUnestablished,
    /// xdp-filter with one denied port, loaded with its default features.
    XdpFilter,
    /// xdp-filter with one denied port, loaded with its TCP feature only.
    XdpFilterTcp,
    /// The vendors' iptables script with one rule for each prefix.
    Plain,
    /// The vendors' iptables script with an ipset and connection tracking.
    Ipset,
    /// nftables with an interval set at the ingress hook.
    NftIngress,
    /// nftables with an interval set at the prerouting hook.
    NftPrerouting,
}

impl Kind {
    /// The name of the side in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bound => "`return XDP_DROP` (the bound)",
            Self::Pass => "`return XDP_PASS` (no filter)",
            Self::Synwall => "synwall",
            Self::SynwallUnestablished => "synwall, `--drop unestablished`",
            Self::XdpFilter => "xdp-filter, one denied port",
            Self::XdpFilterTcp => "xdp-filter, one denied port, `--features tcp`",
            Self::Plain => "iptables, the plain script",
            Self::Ipset => "iptables, the ipset + conntrack script",
            Self::NftIngress => "nft netdev ingress, interval set",
            Self::NftPrerouting => "nft prerouting, interval set",
        }
    }
}

#[derive(Debug)]
enum How {
    /// A program of the bench. It stays attached as long as this value lives.
    Program(#[expect(dead_code, reason = "held, not used")] Ebpf),
    Synwall(Synwall),
    /// xdp-filter, which counts all its interfaces together.
    XdpFilter,
    /// The chain that drops, and the numbers of its dropping rules for IPv4 and for IPv6.
    Script(&'static str, [usize; 2]),
    Nft(Hook),
}

/// Sets up sides.
#[derive(Debug)]
pub struct Workshop {
    /// The sending end of all cables.
    pub sender: Sender,
    /// An empty directory for files of the sides.
    pub directory: PathBuf,
    made: u32,
}

impl Workshop {
    /// A workshop that puts the files of its sides into the directory.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self {
            sender: Sender::new(),
            directory,
            made: 0,
        }
    }

    /// Sets up a side with that list, at the end of a new cable.
    pub fn side(&mut self, kind: Kind, prefixes: &Prefixes) -> Side {
        let receiver = self.sender.receiver();
        self.side_at(receiver, kind, prefixes)
    }

    /// Sets up a side with that list, at the end of an existing cable.
    pub fn side_at(&mut self, receiver: Receiver, kind: Kind, prefixes: &Prefixes) -> Side {
        self.made += 1;
        let synwall = |level| {
            let list = self.directory.join(format!("list{}", self.made));
            let pins = format!("/sys/fs/bpf/synwall{}", self.made);
            How::Synwall(Synwall::up(&receiver, &pins, &list, prefixes, level))
        };
        let how = match kind {
            Kind::Bound => How::Program(programs::attached("drop_all", &receiver)),
            Kind::Pass => How::Program(programs::attached("pass_all", &receiver)),
            Kind::Synwall => synwall(Level::New),
            Kind::SynwallUnestablished => synwall(Level::Unestablished),
            Kind::XdpFilter | Kind::XdpFilterTcp => {
                xdp_filter::load(&receiver, kind == Kind::XdpFilterTcp);
                How::XdpFilter
            }
            Kind::Plain => {
                scripts::plain(&receiver, prefixes);
                let last = [prefixes.v4.len() + 1, prefixes.v6.len() + 1];
                How::Script("trusted_nodes", last)
            }
            Kind::Ipset => {
                scripts::ipset(&receiver, prefixes);
                How::Script("qrator", [2, 2])
            }
            Kind::NftIngress | Kind::NftPrerouting => {
                let hook = if kind == Kind::NftIngress {
                    Hook::Ingress
                } else {
                    Hook::Prerouting
                };
                nft::load(&receiver, hook, prefixes);
                How::Nft(hook)
            }
        };
        let knows_prefixes = !matches!(
            kind,
            Kind::Bound | Kind::Pass | Kind::XdpFilter | Kind::XdpFilterTcp
        );
        Side {
            kind,
            trusted: knows_prefixes.then(|| prefixes.v4.len().max(prefixes.v6.len())),
            receiver,
            how,
        }
    }

    /// Sets up several sides with the same list.
    pub fn sides(&mut self, kinds: &[Kind], prefixes: &Prefixes) -> Vec<Side> {
        kinds.iter().map(|&kind| self.side(kind, prefixes)).collect()
    }
}

impl Side {
    /// The frames that the side has dropped so far, by its own count.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        match &self.how {
            How::Program(_) | How::XdpFilter => self.receiver.nic.counters().dropped_by_xdp,
            How::Synwall(synwall) => synwall.dropped(),
            How::Script(chain, last) => scripts::dropped(&self.receiver, chain, *last),
            How::Nft(hook) => nft::dropped(&self.receiver, *hook),
        }
    }

    /// The synwall filter of the side, if the side is synwall.
    #[must_use]
    pub fn synwall(&self) -> Option<&Synwall> {
        match &self.how {
            How::Synwall(synwall) => Some(synwall),
            _ => None,
        }
    }
}

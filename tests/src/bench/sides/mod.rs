//! The sides of a comparison: each in a namespace of its own, at the end of a cable of its own.

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

/// Something that drops what comes from strangers, or, for comparison, everything or nothing.
#[derive(Debug)]
pub struct Side {
    /// Which of them it is.
    pub kind: Kind,
    /// How many prefixes of the version of IP at issue it trusts; none if it knows no prefixes.
    pub trusted: Option<usize>,
    /// Where it is.
    pub receiver: Receiver,
    how: How,
}

/// The sides that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program that drops every frame unseen: no filter can do better.
    Bound,
    /// A program that passes every frame unseen: no filter at all.
    Pass,
    /// synwall with its whole set of features.
    Synwall,
    /// synwall at drop level `unestablished`.
    SynwallUnestablished,
    /// xdp-filter with one denied port, as it loads unless told otherwise.
    XdpFilter,
    /// The same with no more than its feature for TCP ports.
    XdpFilterTcp,
    /// The vendors' iptables script with a rule for each prefix.
    Plain,
    /// The vendors' iptables script with an ipset and connection tracking.
    Ipset,
    /// nftables, an interval set at the ingress hook.
    NftIngress,
    /// nftables, an interval set at the prerouting hook.
    NftPrerouting,
}

impl Kind {
    /// What it is called in tables.
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
    /// A program of the bench's own, which stays attached as long as this lives.
    Program(#[expect(dead_code, reason = "held, not used")] Ebpf),
    Synwall(Synwall),
    /// xdp-filter, which counts for all its interfaces together.
    XdpFilter,
    /// The chain that drops, and which of its rules do so for IPv4 and for IPv6.
    Script(&'static str, [usize; 2]),
    Nft(Hook),
}

/// What it takes to set sides up.
#[derive(Debug)]
pub struct Workshop {
    /// The sending end.
    pub sender: Sender,
    /// An empty directory.
    pub directory: PathBuf,
    made: u32,
}

impl Workshop {
    /// One that makes its sides' files in that directory.
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

    /// The same at the end of a cable that there is.
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
    /// Frames that it has dropped so far, by its own count.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        match &self.how {
            How::Program(_) | How::XdpFilter => self.receiver.nic.counters().dropped_by_xdp,
            How::Synwall(synwall) => synwall.dropped(),
            How::Script(chain, last) => scripts::dropped(&self.receiver, chain, *last),
            How::Nft(hook) => nft::dropped(&self.receiver, *hook),
        }
    }

    /// synwall, if it is that.
    #[must_use]
    pub fn synwall(&self) -> Option<&Synwall> {
        match &self.how {
            How::Synwall(synwall) => Some(synwall),
            _ => None,
        }
    }
}

//! The sides of a comparison: each in a namespace of its own, at the end of a cable of its own.

mod synwall;
mod xdp_filter;

use std::path::PathBuf;

use aya::Ebpf;

pub use synwall::{Level, Synwall};

use super::prefixes::Prefixes;
use super::programs;
use super::wires::{Receiver, Sender};

/// Something that drops what comes from strangers, or, for comparison, everything or nothing.
#[derive(Debug)]
pub struct Side {
    /// What it is called in tables.
    pub name: String,
    /// Where it is.
    pub receiver: Receiver,
    how: How,
}

#[derive(Debug)]
enum How {
    /// A program of the bench's own, which stays attached as long as this lives.
    Program(#[expect(dead_code, reason = "held, not used")] Ebpf),
    Synwall(Synwall),
    XdpFilter,
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

    fn side(&mut self, name: &str, how: impl FnOnce(&Receiver) -> How) -> Side {
        self.made += 1;
        let receiver = self.sender.receiver();
        Side {
            name: name.to_owned(),
            how: how(&receiver),
            receiver,
        }
    }

    /// The bound of what any filter can do: a program that drops every frame unseen.
    pub fn bound(&mut self) -> Side {
        self.side("return XDP_DROP (the bound)", |receiver| {
            How::Program(programs::attached("drop_all", receiver))
        })
    }

    /// The bound for traffic that is let through: a program that passes every frame unseen.
    pub fn pass(&mut self) -> Side {
        self.side("return XDP_PASS", |receiver| {
            How::Program(programs::attached("pass_all", receiver))
        })
    }

    /// synwall with its whole set of features, on this list.
    pub fn synwall(&mut self, prefixes: &Prefixes, level: Level) -> Side {
        let place = self.directory.join(format!("list{}", self.made));
        let pins = format!("/sys/fs/bpf/synwall{}", self.made);
        self.side("synwall", |receiver| {
            How::Synwall(Synwall::up(receiver, &pins, &place, prefixes, level))
        })
    }

    /// xdp-filter with one denied port.
    pub fn xdp_filter(&mut self) -> Side {
        self.side("xdp-filter", |receiver| {
            xdp_filter::load(receiver);
            How::XdpFilter
        })
    }
}

impl Side {
    /// Frames that it has dropped so far, by its own count.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        match &self.how {
            How::Program(_) => self.receiver.nic.counters().dropped_by_xdp,
            How::Synwall(synwall) => synwall.dropped(),
            How::XdpFilter => xdp_filter::dropped(&self.receiver),
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

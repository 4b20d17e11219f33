//! The reference: the table of verdicts in `docs/design.md`, implemented again with etherparse and ipnet. It shares
//! no parser with the program in the kernel, and prefers readable code to fast code.

mod ipv4;
mod ipv6;
mod link;
mod lists;
mod packet;

use std::net::SocketAddr;

use filter_common::{DropLevel, Reason};
use filter_user::model::entry::Action;

use super::{
    config::{Config, Entry},
    sockets::Sockets,
};
pub use link::Link;
use packet::Packet;
pub use packet::Wants;

/// Why a packet meets its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Row 1.
    NotIp,
    /// Row 3: another protocol.
    AnotherProtocol,
    /// Row 3: another port.
    AnotherPort,
    /// A later fragment, which is useless without its first fragment.
    LaterFragment,
    /// Row 5.
    Trusted,
    /// Row 7, drop level `new`.
    OpensNothing,
    /// Row 7, drop level `unestablished`.
    Established,
    /// The packet is dropped and counted under this reason.
    Dropped(Reason),
}

/// The verdict that a frame should meet.
#[derive(Clone, Copy)]
pub struct Verdict<'a> {
    pub because: Because,
    /// The list entry that the packet counts on.
    pub on: Option<&'a Entry>,
    /// Whether the packet has a readable source, so that a drop counts in the table of sources.
    pub has_source: bool,
}

impl Because {
    /// The reason for a drop.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Dropped(reason) => Some(reason),
            _ => None,
        }
    }

    /// A name for summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "pass: not IP",
            Self::AnotherProtocol => "pass: another protocol",
            Self::AnotherPort => "pass: another port",
            Self::LaterFragment => "pass: later fragment",
            Self::Trusted => "pass: trusted",
            Self::OpensNothing => "pass: opens nothing",
            Self::Established => "pass: established",
            Self::Dropped(reason) => reason.name(),
        }
    }
}

/// The verdict for `frame` under `config`, on a host with these `sockets`.
pub fn judge<'a>(config: &'a Config, sockets: &Sockets, frame: &[u8]) -> Verdict<'a> {
    let packet = match packet(config, frame) {
        Ok(packet) => packet,
        Err(because) => return nobodys(because),
    };
    let (because, on) = rows(config, sockets, &packet);
    Verdict {
        because,
        on,
        has_source: packet.ends.is_some(),
    }
}

/// What `frame` wants from the host, if it carries an IP packet.
pub fn wants(config: &Config, frame: &[u8]) -> Option<Wants> {
    packet(config, frame).ok().map(|packet| packet.wants)
}

/// The packet in a frame, or the verdict on a frame without one.
fn packet(config: &Config, frame: &[u8]) -> Result<Packet, Because> {
    let udp = !config.udp.is_empty();
    match Link::of(frame) {
        Link::Other => Err(Because::NotIp),
        Link::TooManyTags => Err(Because::Dropped(Reason::Malformed)),
        Link::Ipv4(bytes) => Ok(ipv4::read(bytes, udp)),
        Link::Ipv6(bytes) => Ok(ipv6::read(bytes, udp)),
    }
}

const fn nobodys(because: Because) -> Verdict<'static> {
    Verdict {
        because,
        on: None,
        has_source: false,
    }
}

/// The rows of the table from row 2 on.
fn rows<'a>(config: &'a Config, sockets: &Sockets, packet: &Packet) -> (Because, Option<&'a Entry>) {
    let retired = packet.ends.and_then(|(_, to)| lists::of_destination(config, to));
    if retired.is_some() {
        return (Because::Dropped(Reason::Retired), retired);
    }
    match packet.wants {
        Wants::AnotherProtocol => return (Because::AnotherProtocol, None),
        Wants::LaterFragment => return (Because::LaterFragment, None),
        Wants::Tcp { to, .. } if !config.tcp.contains(&to) => return (Because::AnotherPort, None),
        Wants::Udp { to } if !config.udp.contains(&to) => return (Because::AnotherPort, None),
        Wants::Tcp { .. } | Wants::Udp { .. } | Wants::Hidden(_) => {}
    }
    let decides = packet.ends.and_then(|(from, _)| lists::of_source(config, from));
    match decides.map(|entry| entry.action) {
        Some(Action::Deny) => (Because::Dropped(Reason::Denied), decides),
        Some(_) => (Because::Trusted, decides.filter(|_| is_new(packet.wants))),
        None => (untrusted(config, sockets, packet), None),
    }
}

/// Whether a packet from a trusted source counts as a new connection.
const fn is_new(wants: Wants) -> bool {
    matches!(
        wants,
        Wants::Udp { .. }
            | Wants::Tcp {
                syn: true,
                ack: false,
                ..
            }
    )
}

fn untrusted(config: &Config, sockets: &Sockets, packet: &Packet) -> Because {
    match (packet.wants, packet.ends) {
        (Wants::Hidden(reason), _) => Because::Dropped(reason),
        (Wants::Udp { .. }, _) => Because::Dropped(Reason::UntrustedUdp),
        (Wants::Tcp { from, to, .. }, Some((source, destination))) if !is_new(packet.wants) => {
            let open = || sockets.has((SocketAddr::new(source, from), SocketAddr::new(destination, to)));
            match config.drop {
                DropLevel::New => Because::OpensNothing,
                DropLevel::Unestablished if open() => Because::Established,
                DropLevel::Unestablished => Because::Dropped(Reason::UntrustedStray),
                DropLevel::All => Because::Dropped(Reason::UntrustedSegment),
            }
        }
        _ => Because::Dropped(Reason::UntrustedSyn),
    }
}

//! The verdict on a packet. The rows of the table in `docs/design.md`, in their order and their words.

use filter_common::{Action, DropLevel, Reason};

use crate::{
    counters, established,
    frame::Frame,
    lists::{self, Address},
    network::{self, Datagram, ether_type},
    settings, sources,
    transport::{Approach, Packet},
};

pub enum Verdict {
    Pass,
    Drop(Reason),
}

use Verdict::{Drop, Pass};

/// The verdict on any frame.
#[inline(always)]
pub fn of<const SCATTERED: bool>(frame: &Frame<SCATTERED>) -> Verdict {
    let (ether_type, at) = network::skip_tags(frame);
    match ether_type {
        ether_type::IPV4 => of_datagram(frame, network::ipv4(frame, at)),
        ether_type::IPV6 => of_datagram(frame, network::ipv6(frame, at)),
        // A host may look behind any number of tags.
        ether_type::VLAN => Drop(Reason::Malformed),
        // 1. Not IPv4 or IPv6.
        _ => Pass,
    }
}

#[inline(always)]
fn of_datagram<A: Address, const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    datagram: Option<Datagram<A>>,
) -> Verdict {
    match datagram {
        Some(datagram) => of_packet(frame, &Packet::read(frame, datagram)),
        // An IP header that is cut short: not even the source is known.
        None => Drop(Reason::Malformed),
    }
}

/// The verdict on a packet that has been read.
#[inline(always)]
pub fn of_packet<A: Address, const SCATTERED: bool>(frame: &Frame<SCATTERED>, packet: &Packet<A>) -> Verdict {
    let verdict = table(frame, packet);
    if matches!(verdict, Drop(_)) {
        sources::dropped(frame, packet.source.network());
    }
    verdict
}

#[inline(always)]
fn table<A: Address, const SCATTERED: bool>(frame: &Frame<SCATTERED>, packet: &Packet<A>) -> Verdict {
    let Packet {
        approach, segment, ..
    } = *packet;
    // 2. The destination is a retired prefix.
    if settings::may_retire()
        && let Some((Action::Retire, slot)) = lists::retired(packet.destination)
    {
        counters::prefix(frame, slot);
        return Drop(Reason::Retired);
    }

    // 3. Not TCP, or UDP where UDP ports are protected, to a protected port.
    if approach == Approach::None {
        return Pass;
    }
    let opens_connection = approach == Approach::Tcp && segment.opens_connection();

    match lists::source(packet.source) {
        // 4. The longest matching prefix of the source is a deny entry.
        Some((Action::Deny, slot)) => {
            counters::prefix(frame, slot);
            Drop(Reason::Denied)
        }
        // 5. It is a trust entry; a new connection counts on it.
        Some((Action::Trust, slot)) => {
            if opens_connection || approach == Approach::Udp {
                counters::prefix(frame, slot);
            }
            Pass
        }
        _ => match approach {
            // 6. Untrusted, SYN set and ACK clear.
            Approach::Tcp if opens_connection => Drop(Reason::UntrustedSyn),
            // 7. Untrusted, any other TCP segment.
            Approach::Tcp => match settings::drop_level() {
                DropLevel::New => Pass,
                DropLevel::Unestablished if established::has_socket(frame, packet) => Pass,
                DropLevel::Unestablished => Drop(Reason::UntrustedStray),
                DropLevel::All => Drop(Reason::UntrustedSegment),
            },
            // 8. Untrusted, UDP to a protected port.
            Approach::Udp => Drop(Reason::UntrustedUdp),
            // No way around it: headers that hide what the packet wants.
            Approach::Malformed => Drop(Reason::Malformed),
            Approach::EvasiveFragment => Drop(Reason::Fragment),
            Approach::None => Pass,
        },
    }
}

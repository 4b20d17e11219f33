//! The verdict on a packet: the rows of the table in `docs/design.md`, in the same order and the same words.

use filter_common::{Action, DropLevel, Reason, headers::ether_type};

use crate::{
    counters, drop_sources, established,
    frame::Frame,
    lists::{self, Address},
    network::{self, IpPacket},
    packet::{Kind, Packet},
    settings, transport,
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
        ether_type::IPV4 => of_ip_packet(frame, network::ipv4(frame, at)),
        ether_type::IPV6 => of_ip_packet(frame, network::ipv6(frame, at)),
        // 1. More than 4 VLAN tags: a host may read behind any number of them.
        ether_type::VLAN => hidden(Reason::Malformed),
        // 1. Not IPv4 or IPv6.
        _ => Pass,
    }
}

#[inline(always)]
fn of_ip_packet<A: Address, const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    packet: Option<IpPacket<A>>,
) -> Verdict {
    match packet {
        Some(packet) => of_packet(frame, &transport::read(frame, packet)),
        // The IP header is cut short, so not even the source is known.
        None => hidden(Reason::Malformed),
    }
}

/// The verdict on a packet whose headers have been read.
#[inline(always)]
pub fn of_packet<A: Address, const SCATTERED: bool>(frame: &Frame<SCATTERED>, packet: &Packet<A>) -> Verdict {
    let verdict = table(frame, packet);
    if matches!(verdict, Drop(_)) {
        drop_sources::count(frame, packet.source.counted_network());
    }
    verdict
}

#[inline(always)]
fn table<A: Address, const SCATTERED: bool>(frame: &Frame<SCATTERED>, packet: &Packet<A>) -> Verdict {
    // 2. The destination is inside a retired prefix.
    if settings::may_retire()
        && let Some((Action::Retire, slot)) = lists::decide_on_destination(packet.destination)
    {
        counters::prefix(frame, slot);
        return Drop(Reason::Retired);
    }

    // 7, brought forward. At level `new` all rows below let such a segment pass, unless an entry may deny it.
    if packet.kind == Kind::Segment && settings::passes_segments() {
        return Pass;
    }

    // 3. Not TCP (or UDP, where UDP ports are protected) to a protected port. If the headers hide the port, go on.
    let (_, destination_port) = packet.ports.each();
    let may_reach_a_protected_port = match packet.kind {
        Kind::Other => false,
        Kind::Syn | Kind::Segment => settings::protects_tcp(destination_port),
        Kind::Udp => settings::protects_udp(destination_port),
        Kind::Malformed | Kind::Fragment => true,
    };
    if !may_reach_a_protected_port {
        return Pass;
    }

    match lists::decide_on_source(packet.source) {
        // 4. The longest matching prefix of the source is a deny entry.
        Some((Action::Deny, slot)) => {
            counters::prefix(frame, slot);
            Drop(Reason::Denied)
        }
        // 5. The longest matching prefix of the source is a trust entry; a new connection counts on that prefix.
        Some((Action::Trust, slot)) => {
            if matches!(packet.kind, Kind::Syn | Kind::Udp) {
                counters::prefix(frame, slot);
            }
            Pass
        }
        // The source is untrusted.
        Some((Action::Retire, _)) | None => match packet.kind {
            // 6. TCP, SYN set and ACK clear, whatever the other flags.
            Kind::Syn => Drop(Reason::UntrustedSyn),
            // 7. Any other TCP segment.
            Kind::Segment => match settings::drop_level() {
                DropLevel::New => Pass,
                DropLevel::Unestablished if established::has_socket(frame, packet) => Pass,
                DropLevel::Unestablished => Drop(Reason::UntrustedStray),
                DropLevel::All => Drop(Reason::UntrustedSegment),
            },
            // 8. UDP to a protected UDP port.
            Kind::Udp => Drop(Reason::UntrustedUdp),
            // Headers that hide what the packet wants.
            Kind::Malformed => hidden(Reason::Malformed),
            Kind::Fragment => hidden(Reason::Fragment),
            // Row 3 has let it pass.
            Kind::Other => Pass,
        },
    }
}

/// The verdict on a packet whose headers hide what it wants.
#[inline(always)]
fn hidden(reason: Reason) -> Verdict {
    // If all arms were constants, the compiler would make an array of reasons and read it by the kind of the packet. The
    // verifier knows no bound of a number from there, and refuses it as the index of a counter.
    #[cfg(target_arch = "bpf")]
    // SAFETY: it has no instruction.
    unsafe {
        core::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
    Drop(reason)
}

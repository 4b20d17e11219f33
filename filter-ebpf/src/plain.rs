//! The plain packet: untagged, in one buffer, IPv4 without options or IPv6 without extension headers, no fragment.
//! Nearly every packet is one, and then everything lies where it always lies: one look at the length, and each field
//! is one instruction. Whatever is not plain goes the long way: [`crate::network`] and [`crate::transport`].

use filter_common::{TCP_FLAGS_END, UDP_PORTS_END};

use crate::{
    frame::{Frame, Window},
    network::{self, Ipv4, Ipv6, ether_type, protocol},
    settings,
    transport::{self, Approach, Packet, Segment},
};

/// Where the transport header begins.
const IPV4_PAYLOAD: usize = 14 + 20;
const IPV6_PAYLOAD: usize = 14 + 40;

/// The plain IPv4 packet that a frame holds.
#[inline(always)]
pub fn ipv4(frame: &Frame<false>) -> Option<Packet<Ipv4>> {
    const END: usize = IPV4_PAYLOAD + TCP_FLAGS_END;

    let header = frame.beginning::<END>()?;
    // Five words of header; no offset, and no more fragments.
    let is_plain = header.raw_u16::<12>() == ether_type::IPV4.to_be()
        && header.u8::<14>() == 0x45
        && header.raw_u16::<20>() & 0x3fff_u16.to_be() == 0
        && ends_with_frame(frame, 14 + usize::from(header.u16::<16>()), END);
    if !is_plain {
        return None;
    }
    let (approach, segment) = approach::<END, IPV4_PAYLOAD>(&header, header.u8::<23>())?;
    Some(Packet {
        source: Ipv4(header.raw_u32::<26>()),
        destination: Ipv4(header.raw_u32::<30>()),
        approach,
        segment,
    })
}

/// The plain IPv6 packet that a frame holds.
#[inline(always)]
pub fn ipv6(frame: &Frame<false>) -> Option<Packet<Ipv6>> {
    const END: usize = IPV6_PAYLOAD + TCP_FLAGS_END;

    let header = frame.beginning::<END>()?;
    let is_plain = header.raw_u16::<12>() == ether_type::IPV6.to_be()
        && header.u8::<14>() >> 4 == 6
        && ends_with_frame(frame, IPV6_PAYLOAD + usize::from(header.u16::<18>()), END);
    if !is_plain {
        return None;
    }
    let (approach, segment) = approach::<END, IPV6_PAYLOAD>(&header, header.u8::<20>())?;
    Some(Packet {
        source: Ipv6([header.raw_u64::<22>(), header.raw_u64::<30>()]),
        destination: Ipv6([header.raw_u64::<38>(), header.raw_u64::<46>()]),
        approach,
        segment,
    })
}

/// Whether the frame ends where its packet does, but for the padding of short ones, and the packet not before `least`.
/// Then it lies in one buffer: a driver goes on in another one only if the packet does. (A sender could put bytes
/// behind the packet such that the packet just fills a buffer; all that is wrong then is the count of its bytes.)
#[inline(always)]
fn ends_with_frame(frame: &Frame<false>, end: usize, least: usize) -> bool {
    /// The shortest Ethernet frame, without its check sequence.
    const SHORTEST: usize = 60;

    let len = frame.len as usize;
    end >= least && (end == len || (len == SHORTEST && end < SHORTEST))
}

/// What the packet wants of a protected port; its transport header is there as far as TCP's flags. `None` where that header
/// is not the next one.
#[inline(always)]
fn approach<const END: usize, const AT: usize>(
    header: &Window<END, false>,
    found: u8,
) -> Option<(Approach, Segment)> {
    match found {
        protocol::TCP => Some(transport::tcp(&header.part::<AT, TCP_FLAGS_END>())),
        protocol::UDP if settings::any_udp() => {
            let approach = transport::udp(&header.part::<AT, UDP_PORTS_END>());
            Some((approach, Segment::default()))
        }
        // Only an IPv6 header leads on to one; in IPv4 they are protocols that nobody looks into.
        _ if AT == IPV6_PAYLOAD && network::is_extension(found) => None,
        _ => Some((Approach::None, Segment::default())),
    }
}

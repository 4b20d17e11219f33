//! The plain packet: untagged, in one buffer, IPv4 without options or IPv6 without extension headers, no fragment.
//! Nearly every packet is plain. Then every field has a fixed place in the frame, so it takes one check of the length and
//! one instruction for each field. Any other packet goes the long way: [`crate::network`] and [`crate::transport`].

use filter_common::headers::{ether_type, ethernet, ipv4, ipv6, protocol, tcp, udp};

use crate::{
    frame::{Frame, Window},
    network::{Ipv4, Ipv6},
    packet::{Kind, Packet, Ports},
    settings, transport,
};

/// Where the IP header begins.
const IP: usize = ethernet::LEN;
/// Where the transport header begins.
const BEHIND_IPV4: usize = IP + ipv4::LEN;
const BEHIND_IPV6: usize = IP + ipv6::LEN;

/// The plain IPv4 packet that a frame holds.
#[inline(always)]
pub fn ipv4(frame: &Frame<false>) -> Option<Packet<Ipv4>> {
    const END: usize = BEHIND_IPV4 + tcp::FLAGS_END;
    const FRAGMENTED: u16 = ipv4::MORE_FRAGMENTS | ipv4::FRAGMENT_OFFSET;

    let header = frame.beginning::<END>()?;
    let is_plain = header.raw_u16::<{ ethernet::TYPE }>() == ether_type::IPV4.to_be()
        && header.u8::<{ IP + ipv4::VERSION_AND_LEN }>() == ipv4::VERSION_4_NO_OPTIONS
        && header.raw_u16::<{ IP + ipv4::FRAGMENT }>() & FRAGMENTED.to_be() == 0
        && ends_with_frame(
            frame,
            IP + usize::from(header.u16::<{ IP + ipv4::TOTAL_LEN }>()),
            END,
        );
    if !is_plain {
        return None;
    }
    let (kind, ports) = behind_ip::<END, BEHIND_IPV4>(&header, header.u8::<{ IP + ipv4::PROTOCOL }>())?;
    Some(Packet {
        source: Ipv4(header.raw_u32::<{ IP + ipv4::SOURCE }>()),
        destination: Ipv4(header.raw_u32::<{ IP + ipv4::DESTINATION }>()),
        kind,
        ports,
    })
}

/// The plain IPv6 packet that a frame holds.
#[inline(always)]
pub fn ipv6(frame: &Frame<false>) -> Option<Packet<Ipv6>> {
    const END: usize = BEHIND_IPV6 + tcp::FLAGS_END;

    let header = frame.beginning::<END>()?;
    let is_plain = header.raw_u16::<{ ethernet::TYPE }>() == ether_type::IPV6.to_be()
        && header.u8::<{ IP + ipv6::VERSION }>() >> 4 == 6
        && ends_with_frame(
            frame,
            BEHIND_IPV6 + usize::from(header.u16::<{ IP + ipv6::PAYLOAD_LEN }>()),
            END,
        );
    if !is_plain {
        return None;
    }
    let (kind, ports) = behind_ip::<END, BEHIND_IPV6>(&header, header.u8::<{ IP + ipv6::NEXT_HEADER }>())?;
    Some(Packet {
        source: Ipv6([
            header.raw_u64::<{ IP + ipv6::SOURCE_UPPER }>(),
            header.raw_u64::<{ IP + ipv6::SOURCE_LOWER }>(),
        ]),
        destination: Ipv6([
            header.raw_u64::<{ IP + ipv6::DESTINATION_UPPER }>(),
            header.raw_u64::<{ IP + ipv6::DESTINATION_LOWER }>(),
        ]),
        kind,
        ports,
    })
}

/// Whether the frame ends where its packet ends, which is not before `least`. A short frame may have padding. Then the
/// frame lies in one buffer, because a driver uses another buffer only for more of the packet. If a sender puts bytes
/// behind a packet that just fills a buffer, only the count of bytes is wrong.
#[inline(always)]
fn ends_with_frame(frame: &Frame<false>, end: usize, least: usize) -> bool {
    const SHORTEST: usize = ethernet::SHORTEST_FRAME;

    let len = frame.len as usize;
    end >= least && (end == len || (len == SHORTEST && end < SHORTEST))
}

/// The kind and the ports of the packet, from the header at `AT` behind the IP header. `None` if it is an extension header.
#[inline(always)]
fn behind_ip<const END: usize, const AT: usize>(
    header: &Window<'_, END, false>,
    found: u8,
) -> Option<(Kind, Ports)> {
    match found {
        protocol::TCP => Some(transport::tcp(header.part::<AT, { tcp::FLAGS_END }>())),
        protocol::UDP if settings::protects_any_udp() => {
            Some(transport::udp(header.part::<AT, { udp::PORTS_END }>()))
        }
        // Only IPv6 has extension headers. Behind IPv4, these numbers are protocols like any other.
        _ if AT == BEHIND_IPV6 && protocol::is_extension(found) => None,
        _ => Some((Kind::Other, Ports::default())),
    }
}

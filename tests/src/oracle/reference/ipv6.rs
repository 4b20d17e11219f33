//! The reference for IPv6: payload lengths and chains of extension headers.

use etherparse::{IpNumber, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice};
use filter_common::Reason;

use super::packet::{Packet, Wants};

/// The largest number of extension headers that are read.
const MOST_HEADERS: usize = 8;
/// The length of the shortest extension header.
const LEAST: usize = 8;
const MALFORMED: Wants = Wants::Hidden(Reason::Malformed);

/// Reads an IPv6 packet. `udp`: whether any UDP port is protected.
pub fn read(bytes: &[u8], udp: bool) -> Packet {
    let nobody = Packet {
        ends: None,
        wants: MALFORMED,
    };
    let Some(mut fixed) = bytes.first_chunk::<40>().copied() else {
        return nobody;
    };
    // As with IPv4, the addresses can still be read.
    let version = fixed[0] >> 4;
    fixed[0] = 0x60;
    let Ok(header) = Ipv6HeaderSlice::from_slice(&fixed) else {
        return nobody;
    };
    let behind = &bytes[fixed.len()..];
    let end = match usize::from(header.payload_length()) {
        0 => behind.len(),
        len => len.min(behind.len()),
    };
    let wants = if version == 6 {
        walk(header.next_header(), &behind[..end], udp)
    } else {
        MALFORMED
    };
    let ends = (header.source_addr().into(), header.destination_addr().into());
    Packet {
        ends: Some(ends),
        wants,
    }
}

fn walk(mut next: IpNumber, mut rest: &[u8], udp: bool) -> Wants {
    let mut first_fragment = false;
    for _ in 0..MOST_HEADERS {
        if next == IpNumber::IPV6_FRAGMENTATION_HEADER {
            let Ok(header) = Ipv6FragmentHeaderSlice::from_slice(rest) else {
                return Wants::hidden(first_fragment);
            };
            if header.fragment_offset().value() != 0 {
                return Wants::LaterFragment;
            }
            first_fragment |= header.more_fragments();
            (next, rest) = (header.next_header(), &rest[header.slice().len()..]);
        } else if let Some(len_of) = length_of(next) {
            // The fields of a header that is cut short are not trusted.
            let Some(&[following, len, ..]) = rest.first_chunk::<LEAST>() else {
                return Wants::hidden(first_fragment);
            };
            // If these 8 bytes are whole, their next-header field counts, even if that header lies outside the packet.
            (next, rest) = (IpNumber(following), rest.get(len_of(len)..).unwrap_or_default());
        } else {
            return Wants::of(next, rest, first_fragment, udp);
        }
    }
    let more = next == IpNumber::IPV6_FRAGMENTATION_HEADER || length_of(next).is_some();
    if more {
        Wants::hidden(first_fragment)
    } else {
        Wants::of(next, rest, first_fragment, udp)
    }
}

/// How to compute an extension header's length from its second byte (RFC 8200, section 4; RFC 4302, section 2.2).
/// Hosts differ about an AH of the shortest length, and etherparse refuses it.
fn length_of(number: IpNumber) -> Option<fn(u8) -> usize> {
    match number {
        IpNumber::IPV6_HEADER_HOP_BY_HOP
        | IpNumber::IPV6_ROUTE_HEADER
        | IpNumber::IPV6_DESTINATION_OPTIONS => Some(|len| 8 * (usize::from(len) + 1)),
        IpNumber::AUTHENTICATION_HEADER => Some(|len| 4 * (usize::from(len) + 2)),
        _ => None,
    }
}

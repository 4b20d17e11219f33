//! The reference for IPv4: options, total lengths, fragments.

use etherparse::{IpNumber, Ipv4HeaderSlice};
use filter_common::Reason;

use super::packet::{Packet, Wants, matters};

const MALFORMED: Wants = Wants::Hidden(Reason::Malformed);

/// Reads an IPv4 packet. `udp`: whether any UDP port is protected.
pub fn read(bytes: &[u8], udp: bool) -> Packet {
    let nobody = Packet {
        ends: None,
        wants: MALFORMED,
    };
    let Some(mut fixed) = bytes.first_chunk::<20>().copied() else {
        return nobody;
    };
    // etherparse refuses a header with an impossible version or length, but its addresses can still be read.
    let [version, words] = [fixed[0] >> 4, fixed[0] & 0x0f];
    fixed[0] = 0x45;
    let Ok(header) = Ipv4HeaderSlice::from_slice(&fixed) else {
        return nobody;
    };
    let wants = if version == 4 && words >= 5 {
        wants(&header, 4 * usize::from(words), bytes, udp)
    } else {
        MALFORMED
    };
    let ends = (header.source_addr().into(), header.destination_addr().into());
    Packet {
        ends: Some(ends),
        wants,
    }
}

fn wants(header: &Ipv4HeaderSlice<'_>, header_len: usize, bytes: &[u8], udp: bool) -> Wants {
    let protocol = header.protocol();
    // The protocol is readable and matches no row, so it does not matter how broken the rest is.
    if !matters(protocol, udp) {
        return Wants::AnotherProtocol;
    }
    let end = match usize::from(header.total_len()) {
        0 => bytes.len(),
        len => len.min(bytes.len()),
    };
    match header.fragments_offset().value() {
        0 => {}
        1 if protocol == IpNumber::TCP => return Wants::Hidden(Reason::Fragment),
        _ => return Wants::LaterFragment,
    }
    let first_fragment = header.more_fragments();
    match bytes.get(header_len..end) {
        Some(payload) => Wants::of(protocol, payload, first_fragment, udp),
        None => Wants::hidden(first_fragment),
    }
}

//! The IPv6 extension headers between the IPv6 header and the transport header.

use aya_ebpf::{bindings::xdp_md, programs::XdpContext};
use filter_common::{
    MAX_EXTENSION_HEADERS,
    headers::{extension, protocol},
};

use crate::{frame::Frame, network::TransportBytes, packet::Kind};

/// Walks from the first extension header to the transport header. The kind is `None` if the extension headers do not settle
/// what the packet is.
#[inline(always)]
pub fn walk<const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    first: TransportBytes,
) -> (Option<Kind>, TransportBytes) {
    let TransportBytes {
        protocol, begin, end, ..
    } = first;
    let walk = if SCATTERED {
        walk_scattered
    } else {
        walk_one_buffer
    };
    let end_of_walk = EndOfWalk(walk(frame.ctx(), protocol.into(), begin as u64, end as u64));
    (end_of_walk.settled(), end_of_walk.transport(end))
}

/// Where a walk ended, packed into one register, because a BPF function returns no more. The walk is a function of its
/// own, so that the verifier follows it once, and not for each path that leads to it.
#[derive(Clone, Copy)]
struct EndOfWalk(u64);

impl EndOfWalk {
    /// The kinds that extension headers can settle. None has the number 0, which stands for no kind.
    const SETTLED: [Kind; 3] = [Kind::Other, Kind::Malformed, Kind::Fragment];

    #[inline(always)]
    fn new(settled: Option<Kind>, transport: &TransportBytes) -> Self {
        let begin = (transport.begin as u64) << 32;
        let protocol = u64::from(transport.protocol) << 16;
        let is_fragment = u64::from(transport.is_fragment) << 8;
        let settled = settled.map_or(0, |kind| kind as u64);
        Self(begin | protocol | is_fragment | settled)
    }

    #[inline(always)]
    fn settled(self) -> Option<Kind> {
        Self::SETTLED.into_iter().find(|kind| *kind as u8 == self.0 as u8)
    }

    #[inline(always)]
    fn transport(self, end: usize) -> TransportBytes {
        TransportBytes {
            protocol: (self.0 >> 16) as u8,
            begin: (self.0 >> 32) as usize,
            end,
            is_fragment: self.0 as u16 >> 8 != 0,
        }
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_one_buffer(ctx: *mut xdp_md, protocol: u64, begin: u64, end: u64) -> u64 {
    walk_from::<false>(ctx, protocol, begin, end)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_scattered(ctx: *mut xdp_md, protocol: u64, begin: u64, end: u64) -> u64 {
    walk_from::<true>(ctx, protocol, begin, end)
}

#[inline(always)]
fn walk_from<const SCATTERED: bool>(ctx: *mut xdp_md, protocol: u64, begin: u64, end: u64) -> u64 {
    let frame = Frame::<SCATTERED>::new(&XdpContext::new(ctx));
    let mut transport = TransportBytes {
        protocol: protocol as u8,
        begin: begin as usize,
        end: end as usize,
        is_fragment: false,
    };
    let settled = follow(&frame, &mut transport);
    EndOfWalk::new(settled, &transport).0
}

/// Follows the chain (RFC 8200, section 4), and moves `transport` along.
#[inline(always)]
fn follow<const SCATTERED: bool>(frame: &Frame<SCATTERED>, transport: &mut TransportBytes) -> Option<Kind> {
    for _ in 0..MAX_EXTENSION_HEADERS {
        // The unit of the header's length, and how many units the length leaves out.
        let (unit, omitted) = match transport.protocol {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => (8, 1),
            // RFC 4302, section 2.2.
            protocol::AUTHENTICATION => (4, 2),
            protocol::FRAGMENT => (0, 0),
            _ => return None,
        };
        if transport.begin + extension::LEN > transport.end {
            return Some(transport.too_short());
        }
        let header = frame.read::<{ extension::LEN }, _>(transport.begin, |header| {
            (
                header.u8::<{ extension::NEXT_HEADER }>(),
                header.u8::<{ extension::HEADER_LEN }>(),
                header.u16::<{ extension::FRAGMENT }>(),
            )
        });
        let Some((next, len, fragment)) = header else {
            return Some(transport.too_short());
        };
        if transport.protocol == protocol::FRAGMENT {
            if fragment & extension::FRAGMENT_OFFSET != 0 {
                return Some(Kind::Other);
            }
            transport.is_fragment |= fragment & extension::MORE_FRAGMENTS != 0;
            transport.begin += extension::LEN;
        } else {
            transport.begin += (usize::from(len) + omitted) * unit;
        }
        transport.protocol = next;
    }
    protocol::is_extension(transport.protocol).then(|| transport.too_short())
}

//! From the Ethernet header to the transport header: VLAN tags, IPv4 with its options, IPv6 with its
//! extension headers.

use aya_ebpf::{bindings::xdp_md, programs::XdpContext};
use filter_common::{MAX_EXTENSION_HEADERS, MAX_VLAN_TAGS};

use crate::frame::Frame;

/// EtherTypes, from IEEE's registry.
pub mod ether_type {
    pub const IPV4: u16 = 0x0800;
    pub const IPV6: u16 = 0x86dd;
    pub const VLAN: u16 = 0x8100;
    pub const SERVICE_VLAN: u16 = 0x88a8;
}

/// Protocol numbers, from IANA's registry.
pub mod protocol {
    pub const HOP_BY_HOP: u8 = 0;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const AUTHENTICATION: u8 = 51;
    pub const DESTINATION_OPTIONS: u8 = 60;
}

/// An IPv4 address as it lies in the frame.
#[derive(Clone, Copy)]
pub struct Ipv4(pub u32);

/// An IPv6 address as it lies in the frame.
#[derive(Clone, Copy)]
pub struct Ipv6(pub [u64; 2]);

/// An IP packet, or one fragment of it.
pub struct Datagram<A> {
    pub source: A,
    pub destination: A,
    pub payload: Payload,
    /// Where the payload's transport header is. Meaningful with [`Payload::Transport`] alone; beside the
    /// kind and not inside of it, as the verifier refuses a register that was never written.
    pub transport: Transport,
}

/// The end of a packet that does not say where it ends.
const NO_END: usize = u32::MAX as usize;

/// What is behind the IP header and its extensions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// A transport header, or as much of it as there is.
    Transport,
    /// A later fragment: without its first it never becomes a packet.
    LaterFragment,
    /// Headers cut short or too many, behind which a host might still find a transport header.
    Malformed,
    /// A fragment made to hide the transport header.
    EvasiveFragment,
}

/// Where a transport header lies.
#[derive(Clone, Copy)]
pub struct Transport {
    /// Its protocol number.
    pub protocol: u8,
    /// Where it begins in the frame.
    pub at: usize,
    /// Where the IP packet ends: what follows in the frame is padding, which no host takes for a header.
    pub end: usize,
    /// Whether it is a first fragment, with more to come.
    pub fragmented: bool,
}

impl Transport {
    /// What to say of a packet that ends before its transport header does.
    #[inline(always)]
    pub fn too_short(&self) -> Payload {
        if self.fragmented {
            Payload::EvasiveFragment
        } else {
            Payload::Malformed
        }
    }
}

/// The type of what is behind the VLAN tags, and where in the frame that begins: 0 where the frame ends
/// before, that of a tag where there are more of them than [`MAX_VLAN_TAGS`].
#[inline(always)]
pub fn skip_tags<const SCATTERED: bool>(frame: &Frame<SCATTERED>) -> (u16, usize) {
    // Two MAC addresses come before the type, four bytes of tag before the next one.
    let mut at = 12;
    for _ in 0..MAX_VLAN_TAGS + 1 {
        let found = frame.read::<2, _>(at, |bytes| bytes.u16::<0>()).unwrap_or(0);
        at += 2;
        if found != ether_type::VLAN && found != ether_type::SERVICE_VLAN {
            return (found, at);
        }
        at += 2;
    }
    (ether_type::VLAN, at)
}

/// The IPv4 packet at offset `at`; `None` if its header is cut short.
#[inline(always)]
pub fn ipv4<const SCATTERED: bool>(frame: &Frame<SCATTERED>, at: usize) -> Option<Datagram<Ipv4>> {
    // RFC 791, section 3.1.
    const LEN: usize = 20;
    const MORE_FRAGMENTS: u16 = 0x2000;
    const OFFSET: u16 = 0x1fff;

    frame.read::<LEN, _>(at, |header| {
        let version_and_length = header.u8::<0>();
        let header_len = usize::from(version_and_length & 0x0f) * 4;
        let total_len = usize::from(header.u16::<2>());
        let fragment = header.u16::<6>();
        let transport = Transport {
            protocol: header.u8::<9>(),
            at: at + header_len,
            // A stack that has merged segments to more than 64 KiB writes 0 (Linux, BIG TCP).
            end: if total_len == 0 { NO_END } else { at + total_len },
            fragmented: fragment & MORE_FRAGMENTS != 0,
        };
        let payload = match fragment & OFFSET {
            _ if version_and_length >> 4 != 4 || header_len < LEN => Payload::Malformed,
            0 => Payload::Transport,
            // It would overwrite the flags of the first fragment (RFC 1858, RFC 3128).
            1 if transport.protocol == protocol::TCP => Payload::EvasiveFragment,
            _ => Payload::LaterFragment,
        };
        Datagram {
            source: Ipv4(header.raw_u32::<12>()),
            destination: Ipv4(header.raw_u32::<16>()),
            payload,
            transport,
        }
    })
}

/// The IPv6 packet at offset `at`; `None` if its header is cut short.
#[inline(always)]
pub fn ipv6<const SCATTERED: bool>(frame: &Frame<SCATTERED>, at: usize) -> Option<Datagram<Ipv6>> {
    // RFC 8200, section 3.
    const LEN: usize = 40;

    let mut datagram = frame.read::<LEN, _>(at, |header| {
        let payload_len = usize::from(header.u16::<4>());
        let transport = Transport {
            protocol: header.u8::<6>(),
            at: at + LEN,
            // A jumbogram has its length in a hop-by-hop option (RFC 2675).
            end: if payload_len == 0 {
                NO_END
            } else {
                at + LEN + payload_len
            },
            fragmented: false,
        };
        Datagram {
            source: Ipv6([header.raw_u64::<8>(), header.raw_u64::<16>()]),
            destination: Ipv6([header.raw_u64::<24>(), header.raw_u64::<32>()]),
            payload: if header.u8::<0>() >> 4 == 6 {
                Payload::Transport
            } else {
                Payload::Malformed
            },
            transport,
        }
    })?;
    // Most packets have no extension header, and are spared the call.
    if datagram.payload == Payload::Transport && is_extension(datagram.transport.protocol) {
        let Transport {
            protocol, at, end, ..
        } = datagram.transport;
        let walk = if SCATTERED { walk_scattered } else { walk_whole };
        let found = Walked(walk(frame.ctx(), protocol.into(), at as u64, end as u64));
        datagram.payload = found.payload();
        datagram.transport = Transport {
            end,
            ..found.transport()
        };
    }
    Some(datagram)
}

/// What a walk found, in one register: a function of its own gives no more. Of its own, so that the
/// verifier follows the walk once and not for each way that leads to it.
#[derive(Clone, Copy)]
struct Walked(u64);

impl Walked {
    #[inline(always)]
    fn new(payload: Payload, transport: &Transport) -> Self {
        let at = (transport.at as u64) << 32;
        let protocol = u64::from(transport.protocol) << 16;
        Self(at | protocol | u64::from(transport.fragmented) << 8 | payload as u64)
    }

    #[inline(always)]
    fn payload(self) -> Payload {
        match self.0 as u8 {
            0 => Payload::Transport,
            1 => Payload::LaterFragment,
            2 => Payload::Malformed,
            _ => Payload::EvasiveFragment,
        }
    }

    #[inline(always)]
    fn transport(self) -> Transport {
        Transport {
            protocol: (self.0 >> 16) as u8,
            at: (self.0 >> 32) as usize,
            end: 0,
            fragmented: self.0 as u16 >> 8 != 0,
        }
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_whole(ctx: *mut xdp_md, protocol: u64, at: u64, end: u64) -> u64 {
    walk::<false>(ctx, protocol, at, end)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_scattered(ctx: *mut xdp_md, protocol: u64, at: u64, end: u64) -> u64 {
    walk::<true>(ctx, protocol, at, end)
}

#[inline(always)]
fn walk<const SCATTERED: bool>(ctx: *mut xdp_md, protocol: u64, at: u64, end: u64) -> u64 {
    let frame = Frame::<SCATTERED>::new(&XdpContext::new(ctx));
    let mut transport = Transport {
        protocol: protocol as u8,
        at: at as usize,
        end: end as usize,
        fragmented: false,
    };
    let payload = walk_extensions(&frame, &mut transport);
    Walked::new(payload, &transport).0
}

#[inline(always)]
pub fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::FRAGMENT
            | protocol::AUTHENTICATION
            | protocol::DESTINATION_OPTIONS
    )
}

/// Follows the extension headers (RFC 8200, section 4) up to the transport header.
#[inline(always)]
fn walk_extensions<const SCATTERED: bool>(frame: &Frame<SCATTERED>, transport: &mut Transport) -> Payload {
    // RFC 8200, section 4.5.
    const MORE_FRAGMENTS: u16 = 1;
    const OFFSET: u16 = !7;

    for _ in 0..MAX_EXTENSION_HEADERS {
        // The unit of the length in the second byte, and how many units it leaves out.
        let (unit, omitted) = match transport.protocol {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => (8, 1),
            // RFC 4302, section 2.2.
            protocol::AUTHENTICATION => (4, 2),
            protocol::FRAGMENT => (0, 0),
            _ => return Payload::Transport,
        };
        if transport.at + 8 > transport.end {
            return transport.too_short();
        }
        let extension = frame.read::<8, _>(transport.at, |header| {
            (header.u8::<0>(), header.u8::<1>(), header.u16::<2>())
        });
        let Some((next, len, fragment)) = extension else {
            return transport.too_short();
        };
        if transport.protocol == protocol::FRAGMENT {
            if fragment & OFFSET != 0 {
                return Payload::LaterFragment;
            }
            transport.fragmented |= fragment & MORE_FRAGMENTS != 0;
            transport.at += 8;
        } else {
            transport.at += (usize::from(len) + omitted) * unit;
        }
        transport.protocol = next;
    }
    if is_extension(transport.protocol) {
        transport.too_short()
    } else {
        Payload::Transport
    }
}

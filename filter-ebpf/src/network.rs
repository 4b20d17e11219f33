//! From the Ethernet header to the transport header: VLAN tags, IPv4 with its options, IPv6 with its
//! extension headers.

use filter_common::{
    MAX_VLAN_TAGS,
    headers::{ether_type, ethernet, ipv4, ipv6, protocol, vlan},
};

use crate::{extensions, frame::Frame, packet::Kind};

/// An IPv4 address as it lies in the frame.
#[derive(Clone, Copy)]
pub struct Ipv4(pub u32);

/// An IPv6 address as it lies in the frame.
#[derive(Clone, Copy)]
pub struct Ipv6(pub [u64; 2]);

/// An IP packet, or one fragment of it, up to its transport header.
pub struct IpPacket<A> {
    pub source: A,
    pub destination: A,
    /// What the packet is, if its IP headers alone settle it. If `None`, the transport header does.
    pub settled: Option<Kind>,
    /// Valid only if nothing is settled. It stands beside the kind and not inside it, because the verifier refuses a
    /// register that was never written.
    pub transport: TransportBytes,
}

/// Where the transport header and its payload are in a frame.
#[derive(Clone, Copy)]
pub struct TransportBytes {
    /// The protocol's number.
    pub protocol: u8,
    /// Where they begin in the frame.
    pub begin: usize,
    /// Where the IP packet ends. The rest of the frame is padding, which no host reads as a header.
    pub end: usize,
    /// Whether more fragments of the packet follow.
    pub is_fragment: bool,
}

impl TransportBytes {
    /// The end of a packet whose header gives no length: it ends with the frame.
    const NO_END: usize = u32::MAX as usize;

    /// The kind of a packet that ends before its transport header does.
    #[inline(always)]
    pub fn too_short(&self) -> Kind {
        if self.is_fragment {
            Kind::Fragment
        } else {
            Kind::Malformed
        }
    }
}

/// The EtherType behind the VLAN tags, and where in the frame its packet begins. The type is 0 if the frame ends before,
/// and that of a tag if there are more than [`MAX_VLAN_TAGS`].
#[inline(always)]
pub fn skip_tags<const SCATTERED: bool>(frame: &Frame<SCATTERED>) -> (u16, usize) {
    let mut at = ethernet::TYPE;
    for _ in 0..MAX_VLAN_TAGS + 1 {
        let found = frame.read::<2, _>(at, |bytes| bytes.u16::<0>()).unwrap_or(0);
        at += 2;
        if found != ether_type::VLAN && found != ether_type::SERVICE_VLAN {
            return (found, at);
        }
        at += vlan::TAG_LEN;
    }
    (ether_type::VLAN, at)
}

/// The IPv4 packet at offset `at`; `None` if its header is cut short.
#[inline(always)]
pub fn ipv4<const SCATTERED: bool>(frame: &Frame<SCATTERED>, at: usize) -> Option<IpPacket<Ipv4>> {
    frame.read::<{ ipv4::LEN }, _>(at, |header| {
        let version_and_len = header.u8::<{ ipv4::VERSION_AND_LEN }>();
        let header_len = usize::from(version_and_len & 0x0f) * 4;
        let total_len = usize::from(header.u16::<{ ipv4::TOTAL_LEN }>());
        let fragment = header.u16::<{ ipv4::FRAGMENT }>();
        let transport = TransportBytes {
            protocol: header.u8::<{ ipv4::PROTOCOL }>(),
            begin: at + header_len,
            // Linux writes 0 when it has merged segments to more than 64 KiB (BIG TCP).
            end: if total_len == 0 {
                TransportBytes::NO_END
            } else {
                at + total_len
            },
            is_fragment: fragment & ipv4::MORE_FRAGMENTS != 0,
        };
        let settled = match fragment & ipv4::FRAGMENT_OFFSET {
            _ if version_and_len >> 4 != 4 || header_len < ipv4::LEN => Some(Kind::Malformed),
            0 => None,
            // It would overwrite the flags of the first fragment (RFC 1858, RFC 3128).
            1 if transport.protocol == protocol::TCP => Some(Kind::Fragment),
            _ => Some(Kind::Other),
        };
        IpPacket {
            source: Ipv4(header.raw_u32::<{ ipv4::SOURCE }>()),
            destination: Ipv4(header.raw_u32::<{ ipv4::DESTINATION }>()),
            settled,
            transport,
        }
    })
}

/// The IPv6 packet at offset `at`; `None` if its header is cut short.
#[inline(always)]
pub fn ipv6<const SCATTERED: bool>(frame: &Frame<SCATTERED>, at: usize) -> Option<IpPacket<Ipv6>> {
    let mut packet = frame.read::<{ ipv6::LEN }, _>(at, |header| {
        let payload_len = usize::from(header.u16::<{ ipv6::PAYLOAD_LEN }>());
        let begin = at + ipv6::LEN;
        let version = header.u8::<{ ipv6::VERSION }>() >> 4;
        IpPacket {
            source: Ipv6([
                header.raw_u64::<{ ipv6::SOURCE_UPPER }>(),
                header.raw_u64::<{ ipv6::SOURCE_LOWER }>(),
            ]),
            destination: Ipv6([
                header.raw_u64::<{ ipv6::DESTINATION_UPPER }>(),
                header.raw_u64::<{ ipv6::DESTINATION_LOWER }>(),
            ]),
            settled: (version != 6).then_some(Kind::Malformed),
            transport: TransportBytes {
                protocol: header.u8::<{ ipv6::NEXT_HEADER }>(),
                begin,
                // A jumbogram has its length in a hop-by-hop option (RFC 2675).
                end: if payload_len == 0 {
                    TransportBytes::NO_END
                } else {
                    begin + payload_len
                },
                is_fragment: false,
            },
        }
    })?;
    // Most packets have no extension header. They do not pay for the call.
    if packet.settled.is_none() && protocol::is_extension(packet.transport.protocol) {
        (packet.settled, packet.transport) = extensions::walk(frame, packet.transport);
    }
    Some(packet)
}

//! Where the fields of packet headers are, and what their values mean.
//!
//! An offset counts bytes from the beginning of its own header. Numbers are as the standards print them: a field of
//! several bytes lies in network byte order in the frame.

/// Ethernet (IEEE 802.3).
pub mod ethernet {
    /// Bytes of the header: two addresses and the type.
    pub const LEN: usize = 14;
    /// Offset of the type, 16 bits.
    pub const TYPE: usize = 12;
    /// Bytes of the shortest frame, without its check sequence. A sender pads shorter ones.
    pub const SHORTEST_FRAME: usize = 60;
}

/// EtherTypes, from IEEE's registry.
pub mod ether_type {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// A VLAN tag (802.1Q).
    pub const VLAN: u16 = 0x8100;
    /// A VLAN tag of a provider (802.1ad).
    pub const SERVICE_VLAN: u16 = 0x88a8;
}

/// A VLAN tag (IEEE 802.1Q).
pub mod vlan {
    /// Bytes between the type of the tag and the type of what follows.
    pub const TAG_LEN: usize = 2;
}

/// Protocol numbers, from IANA's registry.
pub mod protocol {
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// The IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// The IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// The authentication header of IPsec.
    pub const AUTHENTICATION: u8 = 51;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;

    /// Whether an IPv6 header of this protocol leads on to another header.
    #[inline(always)]
    pub const fn is_extension(protocol: u8) -> bool {
        matches!(
            protocol,
            HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS
        )
    }
}

/// IPv4 (RFC 791, section 3.1).
pub mod ipv4 {
    /// Bytes of the header without options.
    pub const LEN: usize = 20;
    /// Offset of the version, the upper four bits, and the header's length, the lower four in units of four bytes.
    pub const VERSION_AND_LEN: usize = 0;
    /// What stands at [`VERSION_AND_LEN`] of a header without options.
    pub const VERSION_4_NO_OPTIONS: u8 = 0x45;
    /// Offset of the packet's length in bytes, 16 bits.
    pub const TOTAL_LEN: usize = 2;
    /// Offset of the 16 bits with [`MORE_FRAGMENTS`] and [`FRAGMENT_OFFSET`].
    pub const FRAGMENT: usize = 6;
    /// More fragments of the packet follow.
    pub const MORE_FRAGMENTS: u16 = 0x2000;
    /// Where in the packet this fragment belongs, in units of eight bytes.
    pub const FRAGMENT_OFFSET: u16 = 0x1fff;
    /// Offset of the protocol number.
    pub const PROTOCOL: usize = 9;
    /// Offset of the source address, 32 bits.
    pub const SOURCE: usize = 12;
    /// Offset of the destination address, 32 bits.
    pub const DESTINATION: usize = 16;
}

/// IPv6 (RFC 8200, section 3).
pub mod ipv6 {
    /// Bytes of the header without extension headers.
    pub const LEN: usize = 40;
    /// Offset of the version, the upper four bits.
    pub const VERSION: usize = 0;
    /// Offset of the number of bytes behind this header, 16 bits.
    pub const PAYLOAD_LEN: usize = 4;
    /// Offset of the next header's protocol number.
    pub const NEXT_HEADER: usize = 6;
    /// Offset of the upper half of the source address, 64 bits.
    pub const SOURCE_UPPER: usize = 8;
    /// Offset of the lower half of the source address.
    pub const SOURCE_LOWER: usize = 16;
    /// Offset of the upper half of the destination address.
    pub const DESTINATION_UPPER: usize = 24;
    /// Offset of the lower half of the destination address.
    pub const DESTINATION_LOWER: usize = 32;
}

/// What all IPv6 extension headers share, and the fragment header (RFC 8200, sections 4 and 4.5).
pub mod extension {
    /// Bytes of the shortest extension header.
    pub const LEN: usize = 8;
    /// Offset of the next header's protocol number.
    pub const NEXT_HEADER: usize = 0;
    /// Offset of the length; the fragment header has none.
    pub const HEADER_LEN: usize = 1;
    /// In a fragment header: offset of the 16 bits with [`MORE_FRAGMENTS`] and [`FRAGMENT_OFFSET`].
    pub const FRAGMENT: usize = 2;
    /// More fragments of the packet follow.
    pub const MORE_FRAGMENTS: u16 = 0x0001;
    /// Where in the packet this fragment belongs, in bytes.
    pub const FRAGMENT_OFFSET: u16 = 0xfff8;
}

/// TCP (RFC 9293, section 3.1).
pub mod tcp {
    /// Offset of the source port, 16 bits, and the destination port, 16 bits.
    pub const PORTS: usize = 0;
    /// Offset of the flags.
    pub const FLAGS: usize = 13;
    /// Bytes of a header up to and including its flags.
    pub const FLAGS_END: usize = 14;
    /// The sender opens a connection, or agrees to one with [`ACK`].
    pub const SYN: u8 = 0x02;
    /// The sender acknowledges bytes of an earlier segment.
    pub const ACK: u8 = 0x10;
}

/// UDP (RFC 768).
pub mod udp {
    /// Offset of the source port, 16 bits, and the destination port, 16 bits.
    pub const PORTS: usize = 0;
    /// Bytes of a header up to and including its ports.
    pub const PORTS_END: usize = 4;
}

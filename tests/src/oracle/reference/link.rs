//! The reference for the Ethernet header and VLAN tags.

use etherparse::{EtherType, Ethernet2Slice, SingleVlanSlice};

/// The largest number of VLAN tags that are read.
const MOST_TAGS: usize = 4;

/// The content of a frame.
pub enum Link<'a> {
    Ipv4(&'a [u8]),
    Ipv6(&'a [u8]),
    /// Not IP, or a frame that ends before its type.
    Other,
    TooManyTags,
}

impl<'a> Link<'a> {
    pub fn of(frame: &'a [u8]) -> Self {
        let Ok(ethernet) = Ethernet2Slice::from_slice_without_fcs(frame) else {
            return Self::Other;
        };
        let (mut kind, mut rest) = (ethernet.ether_type(), ethernet.payload_slice());
        for _ in 0..MOST_TAGS {
            if !is_tag(kind) {
                break;
            }
            let Ok(tag) = SingleVlanSlice::from_slice(rest) else {
                return Self::Other;
            };
            (kind, rest) = (tag.ether_type(), tag.payload_slice());
        }
        match kind {
            EtherType::IPV4 => Self::Ipv4(rest),
            EtherType::IPV6 => Self::Ipv6(rest),
            kind if is_tag(kind) => Self::TooManyTags,
            _ => Self::Other,
        }
    }
}

fn is_tag(kind: EtherType) -> bool {
    matches!(kind, EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING)
}

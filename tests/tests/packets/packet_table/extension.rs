//! IPv6 extension headers (RFC 8200, section 4), alone and in chains.

use etherparse::{IpAuthHeader, IpFragOffset, IpNumber, Ipv6FragmentHeader, Ipv6RawExtHeader};

/// An extension header. `chain` fills in the number of the next header.
#[derive(Clone)]
pub struct Extension {
    number: IpNumber,
    bytes: Vec<u8>,
}

impl Extension {
    pub fn hop_by_hop(len: usize) -> Self {
        Self::raw(IpNumber::IPV6_HEADER_HOP_BY_HOP, &vec![0; len - 2])
    }

    /// A hop-by-hop header with the jumbo payload option (RFC 2675).
    pub fn jumbo(len: u32) -> Self {
        let [a, b, c, d] = len.to_be_bytes();
        Self::raw(IpNumber::IPV6_HEADER_HOP_BY_HOP, &[0xc2, 4, a, b, c, d])
    }

    pub fn routing(len: usize) -> Self {
        Self::raw(IpNumber::IPV6_ROUTE_HEADER, &vec![0; len - 2])
    }

    /// A destination options header of `len` bytes: a multiple of 8, at most 2,048.
    pub fn options(len: usize) -> Self {
        Self::raw(IpNumber::IPV6_DESTINATION_OPTIONS, &vec![0; len - 2])
    }

    pub fn authentication(len: usize) -> Self {
        let header = IpAuthHeader::new(IpNumber(0), 7, 1, &vec![0; len - 12]).expect("an AH");
        Self {
            number: IpNumber::AUTHENTICATION_HEADER,
            bytes: header.to_bytes().to_vec(),
        }
    }

    pub fn fragment(offset: u16, more: bool) -> Self {
        let offset = IpFragOffset::try_new(offset).expect("a fragment offset");
        let header = Ipv6FragmentHeader::new(IpNumber(0), offset, more, 0x1234);
        Self {
            number: IpNumber::IPV6_FRAGMENTATION_HEADER,
            bytes: header.to_bytes().to_vec(),
        }
    }

    /// A fragment header around a whole packet (atomic fragment, RFC 6946).
    pub fn atomic() -> Self {
        Self::fragment(0, false)
    }

    fn raw(number: IpNumber, content: &[u8]) -> Self {
        let header = Ipv6RawExtHeader::new_raw(IpNumber(0), content).expect("an extension header's length");
        Self {
            number,
            bytes: header.to_bytes().to_vec(),
        }
    }

    /// Sets the length field to a value that may be wrong.
    pub fn stated_len(mut self, len: u8) -> Self {
        self.bytes[1] = len;
        self
    }

    /// One header of each kind, with its name. Destination options appear twice: with their shortest and longest
    /// length.
    pub fn each() -> Vec<(&'static str, Self)> {
        vec![
            ("hop-by-hop options", Self::hop_by_hop(8)),
            ("a routing header", Self::routing(24)),
            ("destination options", Self::options(8)),
            ("an authentication header", Self::authentication(24)),
            ("an atomic fragment header", Self::atomic()),
            ("2 KiB of destination options", Self::options(2048)),
        ]
    }

    pub fn number(&self) -> u8 {
        self.number.0
    }

    /// The bytes of a chain. Its last header names `protocol` as the next header.
    pub fn chain(extensions: &[Self], protocol: u8) -> Vec<u8> {
        let next = extensions.iter().skip(1).map(Self::number).chain([protocol]);
        let linked = extensions.iter().zip(next).map(|(extension, next)| {
            let mut bytes = extension.bytes.clone();
            bytes[0] = next;
            bytes
        });
        linked.collect::<Vec<_>>().concat()
    }
}

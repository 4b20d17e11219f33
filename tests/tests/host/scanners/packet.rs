//! Crafted packets for what scanners do not send. Every byte can be chosen, also against the standards.

use std::net::IpAddr;

use etherparse::{
    EtherType, Ethernet2Header, IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, Ipv6Header, TcpHeader,
    UdpHeader,
};
use tests::lab::frame::Endpoint;

/// TCP's flags (RFC 9293, section 3.1; the ninth is from RFC 9768).
pub mod flag {
    pub const FIN: u16 = 0x001;
    pub const SYN: u16 = 0x002;
    pub const RST: u16 = 0x004;
    pub const PSH: u16 = 0x008;
    pub const ACK: u16 = 0x010;
    pub const URG: u16 = 0x020;
    pub const ECE: u16 = 0x040;
    pub const CWR: u16 = 0x080;
    pub const AE: u16 = 0x100;
}

/// An IP packet in an Ethernet frame.
#[derive(Clone)]
pub struct Packet {
    pub from: Endpoint,
    pub to: Endpoint,
    /// VLAN tags, between the MAC addresses and the type.
    pub tags: Vec<u8>,
    pub ttl: u8,
    /// IPv4 options, in whole words.
    pub options: Vec<u8>,
    /// IPv6 extension headers: number and bytes. The first byte of each is filled in later.
    pub extensions: Vec<(u8, Vec<u8>)>,
    /// IPv4: offset in units of 8 bytes, and whether more fragments follow.
    pub fragment: (u16, bool),
    pub protocol: u8,
    pub payload: Vec<u8>,
    /// A number that is added to the checksum of the IPv4 header.
    pub checksum_error: u16,
    /// The payload length in the IPv6 header, if it is not the true one.
    pub stated_len: Option<u16>,
}

impl Packet {
    pub fn new(from: Endpoint, to: Endpoint, protocol: u8, payload: &[u8]) -> Self {
        Self {
            from,
            to,
            tags: Vec::new(),
            ttl: 64,
            options: Vec::new(),
            extensions: Vec::new(),
            fragment: (0, false),
            protocol,
            payload: payload.to_vec(),
            checksum_error: 0,
            stated_len: None,
        }
    }

    /// A TCP segment with these flags, without options and data.
    pub fn tcp(from: Endpoint, to: Endpoint, flags: u16) -> Self {
        Self::tcp_with(from, to, flags, &[], &[])
    }

    /// A TCP segment with these flags, options (whole words) and data.
    pub fn tcp_with(from: Endpoint, to: Endpoint, flags: u16, options: &[u8], data: &[u8]) -> Self {
        let has = |flag| flags & flag != 0;
        let mut header = TcpHeader::new(from.port, to.port, 1, 64_240);
        header.set_options_raw(options).expect("TCP options fit");
        header.acknowledgment_number = 1;
        header.fin = has(flag::FIN);
        header.syn = has(flag::SYN);
        header.rst = has(flag::RST);
        header.psh = has(flag::PSH);
        header.ack = has(flag::ACK);
        header.urg = has(flag::URG);
        header.ece = has(flag::ECE);
        header.cwr = has(flag::CWR);
        header.ns = has(flag::AE);
        Self::segment(from, to, header, data)
    }

    /// A TCP segment with that header. The checksum is filled in.
    pub fn segment(from: Endpoint, to: Endpoint, mut header: TcpHeader, data: &[u8]) -> Self {
        let sum = match (from.address, to.address) {
            (IpAddr::V4(s), IpAddr::V4(d)) => header.calc_checksum_ipv4_raw(s.octets(), d.octets(), data),
            (IpAddr::V6(s), IpAddr::V6(d)) => header.calc_checksum_ipv6_raw(s.octets(), d.octets(), data),
            _ => panic!("two versions of IP"),
        };
        header.checksum = sum.expect("a segment that is not too long");
        Self::new(from, to, IpNumber::TCP.0, &[&header.to_bytes(), data].concat())
    }

    pub fn udp(from: Endpoint, to: Endpoint, data: &[u8]) -> Self {
        let header = match (from.address, to.address) {
            (IpAddr::V4(s), IpAddr::V4(d)) => {
                UdpHeader::with_ipv4_checksum(from.port, to.port, &ip4(s, d), data)
            }
            (IpAddr::V6(s), IpAddr::V6(d)) => {
                UdpHeader::with_ipv6_checksum(from.port, to.port, &ip6(s, d), data)
            }
            _ => panic!("two versions of IP"),
        };
        let header = header.expect("a datagram that is not too long");
        Self::new(from, to, IpNumber::UDP.0, &[&header.to_bytes(), data].concat())
    }

    /// An ICMP or ICMPv6 message, by the version of IP. The checksum is filled in.
    pub fn icmp(from: Endpoint, to: Endpoint, message: &[u8]) -> Self {
        let protocol = if from.address.is_ipv4() {
            IpNumber::ICMP
        } else {
            IpNumber::IPV6_ICMP
        };
        let mut message = message.to_vec();
        let sum = match (from.address, to.address) {
            (IpAddr::V6(s), IpAddr::V6(d)) => {
                pseudo_sum(s.octets().iter().chain(&d.octets()), protocol, message.len())
            }
            _ => 0,
        };
        let checksum = checksum(sum, &message);
        message[2..4].copy_from_slice(&checksum);
        Self::new(from, to, protocol.0, &message)
    }

    /// Turns a UDP datagram into UDP-Lite (RFC 3828), with a checksum over all of it.
    pub fn udp_lite(mut self) -> Self {
        const UDP_LITE: IpNumber = IpNumber(136);
        self.payload[4..8].fill(0);
        let sum = match (self.from.address, self.to.address) {
            (IpAddr::V4(s), IpAddr::V4(d)) => {
                pseudo_sum(s.octets().iter().chain(&d.octets()), UDP_LITE, self.payload.len())
            }
            (IpAddr::V6(s), IpAddr::V6(d)) => {
                pseudo_sum(s.octets().iter().chain(&d.octets()), UDP_LITE, self.payload.len())
            }
            _ => panic!("two versions of IP"),
        };
        let checksum = checksum(sum, &self.payload);
        self.payload[6..8].copy_from_slice(&checksum);
        Self {
            protocol: UDP_LITE.0,
            ..self
        }
    }

    /// IPv6 only: adds an extension header after the existing ones.
    pub fn behind(mut self, number: u8, bytes: &[u8]) -> Self {
        self.extensions.push((number, bytes.to_vec()));
        self
    }

    /// A fragment of this packet: `bytes` bytes of the payload from an offset on, in units of 8 bytes.
    pub fn piece(mut self, offset: u16, bytes: usize) -> Self {
        let start = usize::from(offset) * 8;
        let end = (start + bytes).min(self.payload.len());
        let more = end < self.payload.len();
        self.payload = self.payload[start..end].to_vec();
        self.fragment(offset, more)
    }

    /// A fragment with the payload of this packet.
    pub fn fragment(self, offset: u16, more: bool) -> Self {
        if self.from.address.is_ipv4() {
            return Self {
                fragment: (offset, more),
                ..self
            };
        }
        let [a, b] = (offset << 3 | u16::from(more)).to_be_bytes();
        // The identification depends on the source port, so that the fragments of one packet have the same.
        let [c, d] = self.from.port.to_be_bytes();
        self.behind(44, &[0, 0, a, b, 0, 0, c, d])
    }

    pub fn frame(&self) -> Vec<u8> {
        let (ether_type, header) = match (self.from.address, self.to.address) {
            (IpAddr::V4(s), IpAddr::V4(d)) => (EtherType::IPV4, self.ipv4(ip4(s, d))),
            (IpAddr::V6(s), IpAddr::V6(d)) => (EtherType::IPV6, self.ipv6(ip6(s, d))),
            _ => panic!("two versions of IP"),
        };
        let ethernet = Ethernet2Header {
            source: self.from.mac,
            destination: self.to.mac,
            ether_type,
        };
        let mut frame = [&ethernet.to_bytes(), header.as_slice(), &self.payload].concat();
        frame.splice(12..12, self.tags.iter().copied());
        frame
    }

    fn ipv4(&self, header: Ipv4Header) -> Vec<u8> {
        let mut header = Ipv4Header {
            time_to_live: self.ttl,
            identification: self.from.port,
            fragment_offset: IpFragOffset::try_from(self.fragment.0).expect("a fragment offset"),
            more_fragments: self.fragment.1,
            protocol: IpNumber(self.protocol),
            options: Ipv4Options::try_from(self.options.as_slice()).expect("IPv4 options fit"),
            ..header
        };
        header.total_len = u16::try_from(header.header_len() + self.payload.len()).expect("an IPv4 length");
        header.header_checksum = header.calc_header_checksum().wrapping_add(self.checksum_error);
        header.to_bytes().to_vec()
    }

    fn ipv6(&self, header: Ipv6Header) -> Vec<u8> {
        let numbers = self
            .extensions
            .iter()
            .map(|(number, _)| *number)
            .chain([self.protocol]);
        let mut chain = Vec::new();
        for ((_, bytes), next) in self.extensions.iter().zip(numbers.clone().skip(1)) {
            chain.push(next);
            chain.extend(&bytes[1..]);
        }
        let len = u16::try_from(chain.len() + self.payload.len()).expect("an IPv6 length");
        let header = Ipv6Header {
            hop_limit: self.ttl,
            payload_length: self.stated_len.unwrap_or(len),
            next_header: IpNumber(numbers.clone().next().unwrap_or(self.protocol)),
            ..header
        };
        [header.to_bytes().to_vec(), chain].concat()
    }
}

fn ip4(source: std::net::Ipv4Addr, destination: std::net::Ipv4Addr) -> Ipv4Header {
    Ipv4Header {
        source: source.octets(),
        destination: destination.octets(),
        ..Default::default()
    }
}

fn ip6(source: std::net::Ipv6Addr, destination: std::net::Ipv6Addr) -> Ipv6Header {
    Ipv6Header {
        source: source.octets(),
        destination: destination.octets(),
        ..Default::default()
    }
}

/// The sum (RFC 1071) of the addresses, the protocol and the payload length.
fn pseudo_sum<'a>(addresses: impl Iterator<Item = &'a u8>, protocol: IpNumber, len: usize) -> u32 {
    let addresses: Vec<u8> = addresses.copied().collect();
    let len = u32::try_from(len).expect("a length");
    words(&addresses) + u32::from(protocol.0) + len
}

fn words(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    bytes.chunks(2).map(word).sum()
}

fn checksum(sum: u32, bytes: &[u8]) -> [u8; 2] {
    let mut sum = sum + words(bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

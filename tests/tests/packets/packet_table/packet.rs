//! Builds packets: first a correct one, then the changes that a row makes. etherparse builds the correct parts. Parts
//! that it refuses to build (a wrong length, a header cut short) are edited in afterwards.
//!
//! Longer than 300 lines because a row can combine all of its building steps, and each step is a short method of one
//! type.

use std::{fmt, net::IpAddr};

use etherparse::{
    EtherType, Ethernet2Header, IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, Ipv6Header,
    SingleVlanHeader, TcpHeader, UdpHeader, VlanId,
};

use crate::packet_table::{extension::Extension, frame::Frame};

pub const ETHERNET: usize = 14;
/// TPIDs of 802.1Q and 802.1ad tags.
pub const DOT1Q: u16 = 0x8100;
pub const DOT1AD: u16 = 0x88a8;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const URG: u8 = 0x20;

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ip {
    V4,
    V6,
}

pub use Ip::{V4, V6};

pub const BOTH: [Ip; 2] = [V4, V6];

impl Ip {
    pub fn pick<T>(self, v4: T, v6: T) -> T {
        if self == V4 { v4 } else { v6 }
    }

    /// The bytes of the IP header without options or extensions.
    pub fn header_len(self) -> usize {
        self.pick(20, 40)
    }

    /// The address of the host behind the filter.
    pub fn host(self) -> &'static str {
        self.pick("203.0.113.10", "2001:db8:113::10")
    }

    /// An untrusted address.
    pub fn stranger(self) -> &'static str {
        self.pick("198.51.100.66", "2001:db8:bad::66")
    }

    /// The address of the reverse proxy, inside a trusted network.
    pub fn proxy(self) -> &'static str {
        self.pick("185.94.108.10", "2001:db8:94::10")
    }

    pub fn proxy_network(self) -> &'static str {
        self.pick("185.94.108.0/24", "2001:db8:94::/48")
    }

    /// A former address of the host, and the prefix that retires it.
    pub fn former(self) -> (&'static str, &'static str) {
        self.pick(
            ("192.0.2.80", "192.0.2.80/32"),
            ("2001:db8:113::80", "2001:db8:113::80/128"),
        )
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pick("IPv4", "IPv6"))
    }
}

/// An IP packet in an Ethernet frame.
#[derive(Clone)]
pub struct Packet {
    pub ip: Ip,
    tags: Vec<(u16, u16)>,
    source: IpAddr,
    destination: IpAddr,
    options: Vec<u8>,
    extensions: Vec<Extension>,
    fragment: (u16, bool),
    dont_fragment: bool,
    protocol: u8,
    payload: Vec<u8>,
    stated_len: Option<u16>,
    padding: Vec<u8>,
}

/// A packet of the protocol with that number, from the stranger to the host.
pub fn packet(ip: Ip, protocol: IpNumber, payload: impl Into<Vec<u8>>) -> Packet {
    Packet {
        ip,
        tags: Vec::new(),
        source: address(ip.stranger()),
        destination: address(ip.host()),
        options: Vec::new(),
        extensions: Vec::new(),
        fragment: (0, false),
        dont_fragment: false,
        protocol: protocol.0,
        payload: payload.into(),
        stated_len: None,
        padding: Vec::new(),
    }
}

/// A TCP segment with these flags to port 443.
pub fn tcp(ip: Ip, flags: u8) -> Packet {
    let mut bytes = TcpHeader::new(40_000, 443, 1, 64_240).to_bytes().to_vec();
    bytes[13] = flags;
    packet(ip, IpNumber::TCP, bytes)
}

pub fn syn(ip: Ip) -> Packet {
    tcp(ip, SYN)
}

pub fn ack(ip: Ip) -> Packet {
    tcp(ip, ACK)
}

/// A TCP segment with these flags and options to port 443.
pub fn tcp_with_options(ip: Ip, flags: u8, options: &[u8]) -> Packet {
    let mut header = TcpHeader::new(40_000, 443, 1, 64_240);
    header.set_options_raw(options).expect("TCP options fit");
    let mut bytes = header.to_bytes().to_vec();
    bytes[13] = flags;
    packet(ip, IpNumber::TCP, bytes)
}

/// A UDP datagram to port 443 with `data` bytes of data.
pub fn udp(ip: Ip, data: usize) -> Packet {
    let length = u16::try_from(8 + data).expect("a datagram's length");
    let header = UdpHeader {
        source_port: 40_000,
        destination_port: 443,
        length,
        checksum: 0,
    };
    packet(ip, IpNumber::UDP, header.to_bytes()).data(&vec![0xc3; data])
}

impl Packet {
    pub fn from(self, source: &str) -> Self {
        Self {
            source: address(source),
            ..self
        }
    }

    pub fn to(self, destination: &str) -> Self {
        Self {
            destination: address(destination),
            ..self
        }
    }

    pub fn source_port(mut self, port: u16) -> Self {
        self.payload[..2].copy_from_slice(&port.to_be_bytes());
        self
    }

    pub fn port(mut self, port: u16) -> Self {
        self.payload[2..4].copy_from_slice(&port.to_be_bytes());
        self
    }

    /// Appends data to the transport header.
    pub fn data(mut self, data: &[u8]) -> Self {
        self.payload.extend_from_slice(data);
        self
    }

    /// Keeps the first `len` bytes of the transport header and the data. The length fields match.
    pub fn keep(mut self, len: usize) -> Self {
        self.payload.truncate(len);
        self
    }

    /// Sets the data offset of TCP, which may be wrong.
    pub fn data_offset(mut self, words: u8) -> Self {
        self.payload[12] = words << 4;
        self
    }

    /// Adds a VLAN tag inside the existing ones.
    pub fn tag(mut self, tpid: u16, vlan: u16) -> Self {
        self.tags.push((tpid, vlan));
        self
    }

    pub fn ipv4_options(self, options: &[u8]) -> Self {
        Self {
            options: options.to_vec(),
            ..self
        }
    }

    pub fn dont_fragment(self) -> Self {
        Self {
            dont_fragment: true,
            ..self
        }
    }

    /// Adds an IPv6 extension header after the existing ones.
    pub fn behind(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Makes the packet a fragment: its offset in units of 8 bytes, and whether more follow.
    pub fn fragment(self, offset: u16, more: bool) -> Self {
        match self.ip {
            V4 => Self {
                fragment: (offset, more),
                ..self
            },
            V6 => self.behind(Extension::fragment(offset, more)),
        }
    }

    /// Sets the length field of the IP header, which may be wrong.
    pub fn stated_len(self, len: u16) -> Self {
        Self {
            stated_len: Some(len),
            ..self
        }
    }

    /// Adds bytes to the frame after the packet.
    pub fn padding(self, bytes: &[u8]) -> Self {
        Self {
            padding: bytes.to_vec(),
            ..self
        }
    }

    fn ipv4(&self, source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let options = Ipv4Options::try_from(self.options.as_slice()).expect("IPv4 options fit");
        let whole = 20 + self.options.len() + self.payload.len();
        let mut header = Ipv4Header {
            total_len: self
                .stated_len
                .unwrap_or_else(|| u16::try_from(whole).expect("an IPv4 length")),
            time_to_live: 64,
            dont_fragment: self.dont_fragment,
            fragment_offset: IpFragOffset::try_from(self.fragment.0).expect("a fragment offset"),
            more_fragments: self.fragment.1,
            protocol: IpNumber(self.protocol),
            source,
            destination,
            options,
            ..Default::default()
        };
        header.header_checksum = header.calc_header_checksum();
        header.to_bytes().to_vec()
    }

    fn ipv6(&self, source: [u8; 16], destination: [u8; 16]) -> Vec<u8> {
        let extensions = Extension::chain(&self.extensions, self.protocol);
        let whole = extensions.len() + self.payload.len();
        let header = Ipv6Header {
            payload_length: self
                .stated_len
                .unwrap_or_else(|| u16::try_from(whole).expect("an IPv6 length")),
            next_header: IpNumber(self.extensions.first().map_or(self.protocol, Extension::number)),
            hop_limit: 64,
            source,
            destination,
            ..Default::default()
        };
        [header.to_bytes().to_vec(), extensions].concat()
    }

    /// The payload, with TCP's checksum if the header is whole.
    fn checked_payload(&self) -> Vec<u8> {
        let mut payload = self.payload.clone();
        if self.protocol == IpNumber::TCP.0
            && let Ok((header, data)) = TcpHeader::from_slice(&self.payload)
        {
            let sum = match (self.source, self.destination) {
                (IpAddr::V4(s), IpAddr::V4(d)) => header.calc_checksum_ipv4_raw(s.octets(), d.octets(), data),
                (IpAddr::V6(s), IpAddr::V6(d)) => header.calc_checksum_ipv6_raw(s.octets(), d.octets(), data),
                _ => unreachable!("the ends of a packet differ in their version of IP"),
            };
            // Merged segments above 64 KiB have no checksum: the kernel merges them after it has checked the parts.
            payload[16..18].copy_from_slice(&sum.unwrap_or_default().to_be_bytes());
        }
        payload
    }

    pub fn frame(&self) -> Frame {
        let (ether_type, header) = match (self.source, self.destination) {
            (IpAddr::V4(s), IpAddr::V4(d)) => (EtherType::IPV4, self.ipv4(s.octets(), d.octets())),
            (IpAddr::V6(s), IpAddr::V6(d)) => (EtherType::IPV6, self.ipv6(s.octets(), d.octets())),
            _ => unreachable!("the ends of a packet differ in their version of IP"),
        };
        let mut bytes = ethernet(self.tags.first().map_or(ether_type.0, |tag| tag.0));
        for (at, (_, vlan)) in self.tags.iter().enumerate() {
            let inner = self.tags.get(at + 1).map_or(ether_type, |tag| EtherType(tag.0));
            let vlan_id = VlanId::try_new(*vlan).expect("a VLAN");
            let tag = SingleVlanHeader {
                vlan_id,
                ether_type: inner,
                ..Default::default()
            };
            bytes.extend(tag.to_bytes());
        }
        let ip_at = bytes.len();
        bytes.extend([header, self.checked_payload(), self.padding.clone()].concat());
        Frame {
            bytes,
            source: Some(self.source),
            ip: Some((ip_at, self.ip)),
        }
    }
}

/// An Ethernet header with that type.
pub fn ethernet(ether_type: u16) -> Vec<u8> {
    let header = Ethernet2Header {
        source: [2, 0, 0, 0, 0, 3],
        destination: [2, 0, 0, 0, 0, 1],
        ether_type: EtherType(ether_type),
    };
    header.to_bytes().to_vec()
}

pub fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

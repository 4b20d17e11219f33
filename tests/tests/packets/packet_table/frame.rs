//! The bytes of a frame, and edits that no packet builder offers. A frame also knows its source and where its IP
//! header is.

use std::net::IpAddr;

use filter_common::headers::{ether_type, ethernet, ipv4, ipv6, protocol, tcp};

use crate::packet_table::packet::{self, Ip, Packet};

/// A frame as it comes from the wire.
#[derive(Clone)]
pub struct Frame {
    pub bytes: Vec<u8>,
    /// The source address, if the frame has one.
    pub source: Option<IpAddr>,
    /// The offset of the IP header, and its version.
    pub ip: Option<(usize, Ip)>,
}

impl Frame {
    /// A frame that is not IP.
    pub fn other(ether_type: u16, payload: &[u8]) -> Self {
        Self {
            bytes: [&packet::ethernet(ether_type), payload].concat(),
            source: None,
            ip: None,
        }
    }

    /// Keeps the first `len` bytes of the frame. The length fields stay unchanged.
    pub fn cut(mut self, len: usize) -> Self {
        assert!(len <= self.bytes.len(), "nothing to cut off at {len}");
        self.bytes.truncate(len);
        if self.ip.is_some_and(|(at, ip)| len < at + ip.header_len()) {
            self.source = None;
        }
        self
    }

    /// Keeps the frame up to `len` bytes after the start of the IP header.
    pub fn cut_ip(self, len: usize) -> Self {
        let at = self.ip_at();
        self.cut(at + len)
    }

    /// Replaces a byte of the IP packet.
    pub fn poke(mut self, at: usize, value: u8) -> Self {
        let at = self.ip_at() + at;
        self.bytes[at] = value;
        self
    }

    /// Where the packet ends, and where it ends at the least, if nothing is unusual about its headers.
    pub fn plain_end(&self) -> Option<(usize, usize)> {
        let byte = |at: usize| self.bytes.get(at).copied();
        let number = |at: usize| Some(u16::from_be_bytes([byte(at)?, byte(at + 1)?]));
        let ip = ethernet::LEN;
        let (payload, end) = match number(ethernet::TYPE)? {
            // Without options, no fragment.
            ether_type::IPV4
                if byte(ip + ipv4::VERSION_AND_LEN)? == ipv4::VERSION_4_NO_OPTIONS
                    && number(ip + ipv4::FRAGMENT)? & (ipv4::MORE_FRAGMENTS | ipv4::FRAGMENT_OFFSET) == 0 =>
            {
                (ip + ipv4::LEN, ip + usize::from(number(ip + ipv4::TOTAL_LEN)?))
            }
            // Without extension headers.
            ether_type::IPV6
                if byte(ip + ipv6::VERSION)? >> 4 == 6
                    && !protocol::is_extension(byte(ip + ipv6::NEXT_HEADER)?) =>
            {
                let payload = ip + ipv6::LEN;
                (payload, payload + usize::from(number(ip + ipv6::PAYLOAD_LEN)?))
            }
            _ => return None,
        };
        Some((end, payload + tcp::FLAGS_END))
    }

    fn ip_at(&self) -> usize {
        self.ip.expect("an IP packet").0
    }
}

/// Frames that meet the same verdict for the same reason.
pub struct Frames(pub Vec<Frame>);

impl From<Packet> for Frames {
    fn from(packet: Packet) -> Self {
        Self(vec![packet.frame()])
    }
}

impl From<Frame> for Frames {
    fn from(frame: Frame) -> Self {
        Self(vec![frame])
    }
}

impl From<Vec<Packet>> for Frames {
    fn from(packets: Vec<Packet>) -> Self {
        Self(packets.iter().map(Packet::frame).collect())
    }
}

impl From<Vec<Frame>> for Frames {
    fn from(frames: Vec<Frame>) -> Self {
        Self(frames)
    }
}

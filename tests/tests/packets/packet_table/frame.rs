//! The bytes of a frame, and edits that no packet builder offers. A frame also knows its source and where its IP
//! header is.

use std::net::IpAddr;

use crate::packet_table::packet::{Ip, Packet, ethernet};

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
            bytes: [&ethernet(ether_type), payload].concat(),
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

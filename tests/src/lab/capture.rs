//! A recording of the frames at a host's `eth0`, to show what arrives, and that nothing is answered.
//!
//! Incoming frames are those that passed the XDP program. An 802.1Q tag is missing from incoming frames: the
//! kernel takes it off before it records them.

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use etherparse::{LaxSlicedPacket, TcpHeader, TransportSlice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::packet_socket::PacketSocket;

/// Longer than any frame, segmentation offload included.
const LONGEST_FRAME: usize = 1 << 17;

/// A recording, from its creation on.
#[derive(Debug)]
pub struct Capture {
    socket: PacketSocket,
}

/// A recorded frame.
#[derive(Debug, Clone)]
pub struct Captured {
    /// This host sent it.
    pub outgoing: bool,
    /// The frame from its destination MAC address on.
    pub bytes: Vec<u8>,
}

impl Capture {
    pub(super) fn new(socket: PacketSocket) -> Self {
        Self { socket }
    }

    /// All matching frames since the recording began, or since the last look, until the time is up.
    pub fn matching(&self, time: Duration, wanted: impl FnMut(&Captured) -> bool) -> Vec<Captured> {
        self.look(time, usize::MAX, wanted)
    }

    /// The first matching frame, as soon as it is there; none if the time is up first.
    pub fn first(&self, time: Duration, wanted: impl FnMut(&Captured) -> bool) -> Option<Captured> {
        self.look(time, 1, wanted).pop()
    }

    fn look(&self, time: Duration, most: usize, mut wanted: impl FnMut(&Captured) -> bool) -> Vec<Captured> {
        let deadline = Instant::now() + time;
        let mut buffer = vec![0; LONGEST_FRAME];
        let mut found = Vec::new();
        while found.len() < most {
            if let Some((length, outgoing)) = self.socket.next(&mut buffer) {
                let frame = Captured {
                    outgoing,
                    bytes: buffer[..length.min(LONGEST_FRAME)].to_vec(),
                };
                found.extend(Some(frame).filter(&mut wanted));
                continue;
            }
            // Only now, so that what is recorded already is seen even if no time is given.
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let left = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
            // An interrupted or failed wait shows at the next reading.
            let _ = poll(
                &mut [PollFd::new(self.socket.as_fd().as_fd(), PollFlags::POLLIN)],
                left,
            );
        }
        found
    }
}

impl Captured {
    /// Source and destination of an IP packet, behind any VLAN tags.
    #[must_use]
    pub fn addresses(&self) -> Option<(IpAddr, IpAddr)> {
        match LaxSlicedPacket::from_ethernet(&self.bytes).ok()?.net? {
            etherparse::LaxNetSlice::Ipv4(ip) => Some((
                ip.header().source_addr().into(),
                ip.header().destination_addr().into(),
            )),
            etherparse::LaxNetSlice::Ipv6(ip) => Some((
                ip.header().source_addr().into(),
                ip.header().destination_addr().into(),
            )),
            _ => None,
        }
    }

    /// The TCP header, if this is TCP.
    #[must_use]
    pub fn tcp(&self) -> Option<TcpHeader> {
        match LaxSlicedPacket::from_ethernet(&self.bytes).ok()?.transport? {
            TransportSlice::Tcp(tcp) => Some(tcp.to_header()),
            _ => None,
        }
    }
}

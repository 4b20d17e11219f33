//! A recording of the frames at a host's `eth0`. Tests use it to see what arrives, and that nothing is answered.
//!
//! The recorded incoming frames are the ones that passed the XDP program. They lack an 802.1Q tag, because the kernel
//! removes it before it records the frame.

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use etherparse::{LaxSlicedPacket, TcpHeader, TransportSlice};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::packet_socket::PacketSocket;

/// Longer than any frame, including frames with segmentation offload.
const LONGEST_FRAME: usize = 1 << 17;

/// A recording. It begins when it is created.
#[derive(Debug)]
pub struct Capture {
    socket: PacketSocket,
}

/// A recorded frame.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Whether this host sent the frame.
    pub outgoing: bool,
    /// The frame, from its destination MAC address on.
    pub bytes: Vec<u8>,
}

impl Capture {
    pub(super) fn new(socket: PacketSocket) -> Self {
        Self { socket }
    }

    /// Waits until the time is up. Returns all matching frames since the recording began, or since the last call.
    pub fn matching(&self, time: Duration, wanted: impl FnMut(&Captured) -> bool) -> Vec<Captured> {
        self.look(time, usize::MAX, wanted)
    }

    /// Returns the first matching frame as soon as it arrives. `None` if the time is up before.
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
            // The deadline is checked after the read, so that recorded frames are returned even if no time is given.
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let left = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
            // If the wait was interrupted or failed, the next read shows it.
            let _ = poll(
                &mut [PollFd::new(self.socket.as_fd().as_fd(), PollFlags::POLLIN)],
                left,
            );
        }
        found
    }
}

impl Captured {
    /// Source and destination of an IP packet, also behind VLAN tags.
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

    /// The TCP header, if the frame has one.
    #[must_use]
    pub fn tcp(&self) -> Option<TcpHeader> {
        match LaxSlicedPacket::from_ethernet(&self.bytes).ok()?.transport? {
            TransportSlice::Tcp(tcp) => Some(tcp.to_header()),
            _ => None,
        }
    }
}

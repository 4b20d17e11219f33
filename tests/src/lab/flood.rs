//! A flood of SYNs from random sources, limited in number and in time.
//!
//! Flood only a target that drops the SYNs, or an address that no host has. A host that answers looks up the
//! neighbour of each source. The kernel has one neighbour table for the whole machine, which would overflow.

use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};

use super::frame::{Endpoint, syn};
use super::host::INTERFACE;
use super::packet_socket::PacketSocket;
use super::{Family, Host, must};
use crate::random::Random;

/// Frames that one system call hands to the kernel.
const BATCH: usize = 64;

/// A flood of SYNs to one address and port.
#[derive(Debug, Clone)]
pub struct Flood {
    to: Endpoint,
    most: u64,
    longest: Duration,
    seed: u64,
    own: Option<u64>,
}

/// The result of a flood.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Frames that the kernel accepted.
    pub frames: u64,
    /// How long the flood lasted.
    pub time: Duration,
}

impl Flood {
    /// A flood to this endpoint. By default it ends after a million frames or after a second.
    #[must_use]
    pub fn to(to: Endpoint) -> Self {
        Self {
            to,
            most: 1_000_000,
            longest: Duration::from_secs(1),
            seed: 0x9e37_79b9_7f4a_7c15,
            own: None,
        }
    }

    /// Ends the flood after this many frames.
    #[must_use]
    pub fn frames(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// Ends the flood after this time.
    #[must_use]
    pub fn lasting(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Sends every `own`th frame from the sender's own address, so that one source stands out from the random ones.
    #[must_use]
    pub fn own_address_in_one_of(self, own: u64) -> Self {
        let own = Some(own);
        Self { own, ..self }
    }

    /// Chooses the sequence of sources. The same seed gives the same sequence; it must not be 0.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Floods from the host's `eth0`, until a limit is reached or `stop` is set.
    pub fn run(&self, from: &Host, stop: &AtomicBool) -> Sent {
        let socket = PacketSocket::sending(from.namespace(), INTERFACE);
        let template = Template::new(from.mac(), self.to);
        let mut batch = vec![template.frame.clone(); BATCH];
        let family = if self.to.address.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        let own = octets(from.address(family));
        let mut random = Random::new(self.seed);
        let started = Instant::now();
        let mut frames = 0;
        while frames < self.most && started.elapsed() < self.longest && !stop.load(Ordering::Relaxed) {
            let size = BATCH.min(usize::try_from(self.most - frames).unwrap_or(BATCH));
            for (number, frame) in (frames..).zip(&mut batch[..size]) {
                let hides = self.own.is_none_or(|own| number % own != 0);
                template.fill(frame, &mut random, if hides { None } else { Some(&own) });
            }
            frames += send(&socket, &batch[..size]);
        }
        Sent {
            frames,
            time: started.elapsed(),
        }
    }
}

/// Returns how many of the frames the kernel accepted. If the queue is full, the rest counts as not sent.
fn send(socket: &PacketSocket, batch: &[Vec<u8>]) -> u64 {
    let slices: Vec<_> = batch.iter().map(|frame| [IoSlice::new(frame)]).collect();
    let mut headers = MultiHeaders::<()>::preallocate(batch.len(), None);
    let nowhere = vec![None; batch.len()];
    match sendmmsg(
        socket.as_fd().as_raw_fd(),
        &mut headers,
        &slices,
        nowhere,
        [],
        MsgFlags::empty(),
    ) {
        Ok(sent) => sent.count() as u64,
        Err(Errno::ENOBUFS | Errno::EAGAIN | Errno::EINTR) => 0,
        Err(error) => must("send a flood", Err(error)),
    }
}

const IPV4_CHECKSUM: Range<usize> = 24..26;

/// A SYN whose source, port and sequence number are zero, and the data to fill them in.
struct Template {
    frame: Vec<u8>,
    source: Range<usize>,
    tcp: usize,
    /// Sums (RFC 1071) of all checksummed bytes that are the same in each frame.
    header_sum: u32,
    segment_sum: u32,
}

impl Template {
    fn new(mac: [u8; 6], to: Endpoint) -> Self {
        // Offsets after the Ethernet header of 14 bytes: the source is at 12 (IPv4) or 8 (IPv6), TCP at 20 or 40.
        let (nobody, source, tcp): (IpAddr, _, _) = match to.address.is_ipv4() {
            true => (Ipv4Addr::UNSPECIFIED.into(), 26..30, 34),
            false => (Ipv6Addr::UNSPECIFIED.into(), 22..38, 54),
        };
        let from = Endpoint {
            mac,
            address: nobody,
            port: 0,
        };
        let mut frame = syn(from, to);
        if to.address.is_ipv4() {
            frame[IPV4_CHECKSUM].fill(0);
        }
        frame[tcp + 4..tcp + 8].fill(0);
        frame[tcp + 16..tcp + 18].fill(0);
        let header_sum = sum(&frame[14..tcp]);
        // The pseudo header: both addresses (they end where TCP begins), the protocol, the length of the segment.
        let pseudo_sum = sum(&frame[source.start..tcp]) + 6 + (frame.len() - tcp) as u32;
        let segment_sum = pseudo_sum + sum(&frame[tcp..]);
        Self {
            frame,
            source,
            tcp,
            header_sum,
            segment_sum,
        }
    }

    /// Turns a copy of the template into another SYN, from that source or from a random one.
    fn fill(&self, frame: &mut [u8], random: &mut Random, source: Option<&[u8]>) {
        let (port, sequence) = (self.tcp..self.tcp + 2, self.tcp + 4..self.tcp + 8);
        match (source, self.source.len()) {
            (Some(source), _) => frame[self.source.clone()].copy_from_slice(source),
            (None, 4) => frame[self.source.clone()].copy_from_slice(&ipv4(random)),
            (None, _) => frame[self.source.clone()].copy_from_slice(&ipv6(random)),
        }
        let own = random.number().to_ne_bytes();
        // An ephemeral port, as a client would use.
        frame[port.clone()].copy_from_slice(&[own[0] | 0x80, own[1]]);
        frame[sequence.clone()].copy_from_slice(&own[4..]);
        let source_sum = sum(&frame[self.source.clone()]);
        if self.source.len() == 4 {
            frame[IPV4_CHECKSUM].copy_from_slice(&checksum(self.header_sum + source_sum));
        }
        let own_sum = sum(&frame[port]) + sum(&frame[sequence]);
        let checksum = checksum(self.segment_sum + source_sum + own_sum);
        frame[self.tcp + 16..self.tcp + 18].copy_from_slice(&checksum);
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// The Internet checksum (RFC 1071), computed from the sum of all words.
fn checksum(sum: u32) -> [u8; 2] {
    let sum = (sum & 0xffff) + (sum >> 16);
    let folded = (sum & 0xffff) + (sum >> 16);
    (!(folded as u16)).to_be_bytes()
}

fn sum(bytes: &[u8]) -> u32 {
    bytes
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum()
}

/// A random unicast source that could come from the Internet, outside the networks of the laboratory.
fn ipv4(random: &mut Random) -> [u8; 4] {
    loop {
        let address = (random.number() >> 32) as u32;
        let octets = address.to_be_bytes();
        let nobody = matches!(octets[0], 0 | 10 | 127 | 224..);
        let ours = matches!(octets[..3], [203, 0, 113] | [198, 51, 100] | [185, 94, 108]);
        if !nobody && !ours {
            return octets;
        }
    }
}

/// A random source in 2000::/3 (global unicast), outside 2001::/16, which has the laboratory's addresses.
fn ipv6(random: &mut Random) -> [u8; 16] {
    let mut address = (u128::from(random.number()) << 64 | u128::from(random.number())) & (u128::MAX >> 3);
    address |= 1 << 125;
    if address >> 112 == 0x2001 {
        address ^= 1 << 120;
    }
    address.to_be_bytes()
}

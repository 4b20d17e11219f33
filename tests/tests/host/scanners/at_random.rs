//! Random packets to protected ports, with any headers before the segment, whole and in fragments in any order. None
//! may be answered. A failure names the seed.

use fastrand::Rng;
use tests::lab::{Host, frame::Endpoint};

use crate::scanners::{
    answer::Answer,
    crafted::extension::{AUTHENTICATION, HOP_BY_HOP, OPTIONS, PADDING, ROUTING, UNKNOWN, routing, segments},
    level::{All, Level, Observe, Unestablished},
    packet::Packet,
    scanned::{BOTH, SETTLED, Scanned, TCP, UDP},
};

/// A segment or a datagram to a protected port.
fn payload(random: &mut Rng, from: Endpoint, to: Endpoint) -> Packet {
    let data = vec![0; random.usize(0..100)];
    if random.bool() {
        let to = Endpoint {
            port: UDP[random.usize(..UDP.len())],
            ..to
        };
        return Packet::udp(from, to, &data);
    }
    let to = Endpoint {
        port: TCP[random.usize(..TCP.len())],
        ..to
    };
    let options = vec![1; 4 * random.usize(0..=10)];
    Packet::tcp_with(from, to, random.u16(0..512), &options, &data)
}

/// Adds headers before the payload. A later fragment gets no header that the host reports before it looks at the
/// port. Such a report is sent for any packet.
fn dressed(random: &mut Rng, mut packet: Packet, whole: bool) -> Packet {
    packet.ttl = random.u8(..);
    if packet.from.address.is_ipv4() {
        packet.options = vec![1; 4 * random.usize(0..=10)];
        if whole && random.u8(..8) == 0 {
            packet.options = vec![7, 0, 4, 0];
        }
        return packet;
    }
    let (routing, segments) = (routing(random.u8(0..2)), segments());
    let (harmless, reported) = (
        [(OPTIONS, &PADDING[..])],
        [
            (HOP_BY_HOP, &PADDING[..]),
            (HOP_BY_HOP, &UNKNOWN[..]),
            (OPTIONS, &UNKNOWN[..]),
            (ROUTING, &routing[..]),
            (ROUTING, &segments[..]),
            (
                AUTHENTICATION,
                &[
                    0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                ][..],
            ),
        ],
    );
    for _ in 0..random.usize(0..=9) {
        let all: &[(u8, &[u8])] = if whole && random.bool() {
            &reported
        } else {
            &harmless
        };
        let (number, bytes) = all[random.usize(..all.len())];
        packet = packet.behind(number, bytes);
    }
    packet
}

/// The frames of one packet.
fn frames(random: &mut Rng, from: Endpoint, to: Endpoint) -> Vec<Vec<u8>> {
    let whole = random.u8(..3) != 0;
    let packet = payload(random, from, to);
    let packet = dressed(random, packet, whole);
    if whole {
        let atomic = !packet.from.address.is_ipv4() && random.bool();
        let packet = if atomic { packet.fragment(0, false) } else { packet };
        return vec![packet.frame()];
    }
    let size = 8 * random.u16(1..=5);
    let count = u16::try_from(packet.payload.len())
        .expect("a short packet")
        .div_ceil(size);
    let mut pieces: Vec<Vec<u8>> = (0..count)
        .map(|number| packet.clone().piece(number * size / 8, size.into()).frame())
        .collect();
    random.shuffle(&mut pieces);
    if random.bool() {
        pieces.truncate(random.usize(1..=pieces.len()));
    }
    pieces
}

/// Packets in a batch. Each has at most a dozen fragments.
const BATCH: usize = 16;

/// Sends `packets` random packets, and returns the origin's answers.
fn answers(level: Level, seed: u64, packets: usize) -> Vec<Answer> {
    let scanned = Scanned::at(level, 1);
    let from: &Host = &scanned.site.others[0];
    let capture = from.capture();
    let mut random = Rng::with_seed(seed);
    let mut left = packets;
    while left > 0 {
        // Small batches, so that no queue on the way overflows.
        let batch = left.min(BATCH);
        let frames = (0..batch).flat_map(|_| {
            let family = BOTH[random.usize(..2)];
            let from = from.endpoint(family, random.u16(1024..));
            frames(&mut random, from, scanned.site.origin.endpoint(family, 0))
        });
        from.send_frames(frames);
        left -= batch;
    }
    // The host gives up an incomplete packet after a second.
    let heard = scanned.heard_within(SETTLED * 8, from, &capture);
    scanned.proxy_is_served();
    heard.iter().map(Answer::of).collect()
}

#[test]
fn packets_put_together_at_random_are_not_answered() {
    let (seed, packets) = if tests::thorough() {
        (fastrand::u64(..), 200_000)
    } else {
        (1, 10_000)
    };
    for level in [Unestablished, All] {
        let answers = answers(level, seed, packets);
        assert!(
            answers.is_empty(),
            "{level:?}, seed {seed}: {:?}",
            answers.first()
        );
    }
    let contrast = answers(Observe, seed, 1_000);
    assert!(
        contrast.len() > 100,
        "the test proves nothing: {} answers",
        contrast.len()
    );
}

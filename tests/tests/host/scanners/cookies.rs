//! SYN cookies: while they are in use, an ACK alone can open a connection if it guesses 32 bits. One ACK in 2^29
//! succeeds: `check_tcp_syn_cookie` in the kernel's `net/ipv4/syncookies.c` accepts 2 of 256 counters and 4 of 2^24
//! sizes. This is why level `unestablished` exists.

use std::{fs, time::Duration};

use etherparse::TcpHeader;
use tests::lab::{Family, frame::Endpoint};

use crate::scanners::{
    answer::Answer,
    level::{All, Level, New, Unestablished},
    packet::{Packet, flag::SYN},
    scanned::{BOTH, Scanned},
};

/// The cookie in the SYN-ACK of an origin without a filter.
fn cookie(scanned: &Scanned, from: Endpoint, to: Endpoint) -> u32 {
    let stranger = &scanned.site.others[0];
    let capture = stranger.capture();
    stranger.send_frame(&Packet::tcp(from, to, SYN).frame());
    let answer = capture.first(Duration::from_secs(5), |frame| {
        !frame.outgoing && frame.tcp().is_some_and(|tcp| tcp.syn && tcp.ack)
    });
    answer
        .and_then(|frame| frame.tcp())
        .expect("a SYN-ACK")
        .sequence_number
}

/// The origin's answers to a request that carries the correct cookie.
fn request(scanned: &Scanned, from: Endpoint, to: Endpoint, cookie: u32) -> Vec<String> {
    let stranger = &scanned.site.others[0];
    let capture = stranger.capture();
    let mut header = TcpHeader::new(from.port, to.port, 2, 64_240);
    header.acknowledgment_number = cookie.wrapping_add(1);
    (header.ack, header.psh) = (true, true);
    let request = Packet::segment(from, to, header, b"GET / HTTP/1.0\r\n\r\n");
    stranger.send_frame(&request.frame());
    let heard = scanned.heard(stranger, &capture);
    heard.iter().map(|frame| Answer::of(frame).word).collect()
}

fn a_right_cookie_at(level: Level, family: Family) -> Vec<String> {
    let scanned = Scanned::at(Level::Observe, 1);
    scanned.site.origin.run(|| {
        fs::write("/proc/sys/net/ipv4/tcp_syncookies", "2").expect("a setting of the namespace");
    });
    let (from, to) = (
        scanned.site.others[0].endpoint(family, 40_000),
        scanned.site.origin.endpoint(family, 80),
    );
    let cookie = cookie(&scanned, from, to);
    let set = format!("set --enforce {}", level.options());
    scanned.site.synwall(set.split(' ')).ok();
    request(&scanned, from, to, cookie)
}

#[test]
fn a_guessed_cookie_opens_a_connection_at_level_new_alone() {
    for family in BOTH {
        let answers = a_right_cookie_at(New, family);
        assert_eq!(
            answers.first().map(String::as_str),
            Some("ACK"),
            "{family:?}: {answers:?}"
        );
        for level in [Unestablished, All] {
            let answers = a_right_cookie_at(level, family);
            assert!(answers.is_empty(), "{level:?}, {family:?}: {answers:?}");
        }
    }
}

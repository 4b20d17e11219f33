//! All 512 combinations of TCP's nine flags, to an open and to a closed port.

use std::collections::BTreeSet;

use tests::lab::{Family, Host, frame::Endpoint};

use crate::scanners::{
    level::{All, Level, New, Observe, Unestablished},
    packet::{Packet, flag},
    scanned::{BOTH, Scanned, TCP, at_each_level},
};

/// The first source port. Each combination has its own, so that an answer shows its combination.
const PORTS: u16 = 20_000;

/// The combinations that get a TCP segment as an answer. A short queue may lose frames, so they are sent again until
/// enough are answered.
fn answered(scanned: &Scanned, from: &Host, to: Endpoint, expected: usize) -> BTreeSet<u16> {
    let family = if to.address.is_ipv4() {
        Family::V4
    } else {
        Family::V6
    };
    let mut answered = BTreeSet::new();
    for _ in 0..3 {
        let capture = from.capture();
        let frames =
            (0..512).map(|flags| Packet::tcp(from.endpoint(family, PORTS + flags), to, flags).frame());
        from.send_frames(frames);
        let heard = scanned.heard(from, &capture);
        answered.extend(heard.iter().map(|frame| {
            let segment = frame.tcp().expect("nothing but TCP");
            segment.destination_port - PORTS
        }));
        if answered.len() >= expected {
            break;
        }
    }
    answered
}

/// What Linux answers (RFC 9293, section 3.10.7). It never answers a reset. A closed port answers everything else. An
/// open port answers an ACK (with a reset), and a SYN without FIN.
fn linux_answers(flags: u16, open: bool) -> bool {
    let has = |flag| flags & flag != 0;
    let opens = has(flag::SYN) && !has(flag::FIN);
    !has(flag::RST) && (!open || has(flag::ACK) || opens)
}

fn passes(level: Level, flags: u16) -> bool {
    match level {
        Observe => true,
        New => flags & (flag::SYN | flag::ACK) != flag::SYN,
        _ => false,
    }
}

/// Packets that were dropped for that reason, or would have been.
fn dropped(scanned: &Scanned, reason: &str) -> u64 {
    let stats = scanned.site.synwall(["stats", "reasons", "--json"]).json();
    let rows = stats["reasons"].as_array().expect("rows");
    let row = rows
        .iter()
        .find(|row| row["reason"] == reason)
        .expect("the reason");
    row["packets"].as_u64().expect("a count")
}

fn any_combination_of_flags_is_answered_only_where_the_level_lets_it_pass(mode: &str) {
    at_each_level(|level| {
        let scanned = Scanned::in_mode(mode, level, 1);
        for family in BOTH {
            for port in TCP {
                let open = port != 8080;
                let expected = |flags: &u16| passes(level, *flags) && linux_answers(*flags, open);
                let expected: BTreeSet<u16> = (0..512).filter(expected).collect();
                let to = scanned.site.origin.endpoint(family, port);
                let seen = answered(&scanned, &scanned.site.others[0], to, expected.len());
                assert_eq!(seen, expected, "{level:?}, {family:?}, port {port}");
            }
        }
        scanned.proxy_is_served();
        // A quarter of all combinations opens a connection.
        let (opening, all) = (128 * 6, 512 * 6);
        let expected = match level {
            Observe => [("untrusted-syn", 0), ("untrusted-segment", 0)],
            New => [("untrusted-syn", opening), ("untrusted-stray", 0)],
            Unestablished => [("untrusted-syn", opening), ("untrusted-stray", all - opening)],
            All => [("untrusted-syn", opening), ("untrusted-segment", all - opening)],
        };
        for (reason, packets) in expected {
            let counted = dropped(&scanned, reason);
            // At these levels the count may differ, because frames were sent again or lost.
            let is_silent = level.is_silent();
            assert!(
                counted == packets || !is_silent,
                "{level:?}, {reason}: {counted} of {packets}"
            );
        }
    });
}

#[test]
fn native() {
    any_combination_of_flags_is_answered_only_where_the_level_lets_it_pass("native");
}

#[test]
fn generic() {
    any_combination_of_flags_is_answered_only_where_the_level_lets_it_pass("generic");
}

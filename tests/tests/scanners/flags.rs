//! All 512 combinations of TCP's nine flags, to an open and to a closed port.

use std::time::Duration;

use tests::lab::{Family, Host};

use crate::{
    level::{Level, New, Observe},
    packet::{Packet, flag},
    scanned::{BOTH, SETTLED, Scanned, TCP, at_each_level},
};

/// The first source port; each combination has its own, so that an answer tells what it answers.
const PORTS: u16 = 20_000;

/// Which combinations got a TCP segment back.
fn answered(scanned: &Scanned, from: &Host, family: Family, port: u16) -> Vec<u16> {
    let capture = from.capture();
    for flags in 0..512 {
        let (from, to) = (
            from.endpoint(family, PORTS + flags),
            scanned.site.origin.endpoint(family, port),
        );
        let segment = Packet::tcp(from, to, flags);
        scanned.site.others[0].send_frame(&segment.frame());
    }
    let heard = scanned.heard_within(SETTLED + Duration::from_millis(200), from, &capture);
    let mut answered: Vec<u16> = heard
        .iter()
        .map(|frame| frame.tcp().expect("nothing but TCP").destination_port - PORTS)
        .collect();
    answered.sort_unstable();
    answered.dedup();
    answered
}

/// What Linux answers (RFC 9293, section 3.10.7): not a reset; from a closed port all else; from an open one an
/// acknowledgement, with a reset, and what opens a connection and does not close it at the same time.
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

#[test]
fn any_combination_of_flags_is_answered_only_where_the_level_lets_it_pass() {
    at_each_level(|level| {
        let scanned = Scanned::at(level, 1);
        for family in BOTH {
            for port in TCP {
                let seen = answered(&scanned, &scanned.site.others[0], family, port);
                let open = port != 8080;
                let expected = |flags: &u16| passes(level, *flags) && linux_answers(*flags, open);
                let expected: Vec<u16> = (0..512).filter(expected).collect();
                assert_eq!(seen, expected, "{level:?}, {family:?}, port {port}");
            }
        }
        scanned.proxy_is_served();
    });
}

//! Addresses that no regular packet has, as source and as destination: the origin never answers a stranger because of
//! them.

use std::net::IpAddr;

use tests::lab::{Family, frame::Endpoint};

use crate::scanners::{
    answer::Answer,
    level::{Level, New, Observe},
    packet::{
        Packet,
        flag::{ACK, SYN},
    },
    scanned::{SETTLED, Scanned, at_each_level},
};

/// Source and destination. An empty text stands for the stranger's or the origin's own address. The flag says whether
/// the frame goes to the broadcast MAC address instead of the origin's.
const ENDS: [(&str, &str, bool); 24] = [
    ("127.0.0.1", "", false),
    ("203.0.113.10", "", false),
    ("0.0.0.0", "", false),
    ("255.255.255.255", "", false),
    ("224.0.0.1", "", false),
    ("198.51.100.255", "", false),
    ("192.0.2.1", "", false),
    ("", "203.0.113.255", true),
    ("", "255.255.255.255", true),
    ("", "224.0.0.1", true),
    ("", "127.0.0.1", false),
    ("", "203.0.113.77", false),
    ("", "203.0.113.10", true),
    ("::1", "", false),
    ("2001:db8:113::10", "", false),
    ("::", "", false),
    ("ff02::1", "", false),
    ("::ffff:198.51.100.66", "::ffff:203.0.113.10", false),
    ("::ffff:185.94.108.10", "", false),
    ("64:ff9b::185.94.108.10", "", false),
    ("", "ff02::1", true),
    ("", "::1", false),
    ("", "2001:db8:113::77", false),
    ("", "2001:db8:113::10", true),
];

/// Everything that the origin sent, to any address.
fn sent(scanned: &Scanned, (from, to, to_all): (&str, &str, bool)) -> Vec<Answer> {
    let (attacker, origin) = (&scanned.site.attacker, &scanned.site.origin);
    let family = if from.contains(':') || to.contains(':') {
        Family::V6
    } else {
        Family::V4
    };
    let address = |text: &str, own: IpAddr| {
        if text.is_empty() {
            own
        } else {
            text.parse().expect("an address")
        }
    };
    let from = Endpoint {
        address: address(from, attacker.address(family)),
        ..attacker.endpoint(family, 40_000)
    };
    let mac = if to_all { [0xff; 6] } else { origin.mac() };
    let to = |port| Endpoint {
        address: address(to, origin.address(family)),
        mac,
        port,
    };
    let capture = origin.capture();
    let segments = [443, 8080].map(|port| [SYN, ACK].map(|flags| Packet::tcp(from, to(port), flags)));
    let datagrams = [443, 8443].map(|port| Packet::udp(from, to(port), b"quic"));
    let packets = segments.concat().into_iter().chain(datagrams);
    attacker.send_frames(packets.map(|packet| packet.frame()));
    let outgoing = capture.matching(SETTLED, |frame| frame.outgoing);
    // The origin reports its multicast groups (MLD) at any time.
    outgoing
        .iter()
        .map(Answer::of)
        .filter(|answer| answer.word != "multicast report")
        .collect()
}

#[test]
fn impossible_addresses_get_no_answer_out_of_the_origin() {
    let levels = at_each_level(|level| {
        let scanned = Scanned::at(level, 0);
        let sent = ENDS.map(|ends| sent(&scanned, ends));
        scanned.proxy_is_served();
        sent
    });
    for (level, sent) in &levels {
        for (ends, sent) in ENDS.iter().zip(sent) {
            assert!(
                !level.is_silent() || sent.is_empty(),
                "{level:?}, {ends:?}: {sent:?}"
            );
        }
    }
    let answered = |level: Level| levels[&level].iter().filter(|sent| !sent.is_empty()).count();
    assert!(
        answered(Observe) > 5 && answered(New) > 5,
        "the test proves nothing"
    );
}

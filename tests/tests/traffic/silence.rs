//! Silence: not one packet leaves the protected ports in answer to a stranger's segment.

use std::time::Duration;

use tests::lab::{Captured, Family, Site};

use crate::{
    segment::{self, Flags, OPENING, OTHER},
    visit::{BOTH, SILENCE, dropped, filtered, is_served, port},
};

/// Open with HTTP, open with TLS, and closed.
const PORTS: [u16; 3] = [80, 443, 8080];

/// Sends a segment with each of the flags to each port, and returns the flags of all answers.
fn answers(site: &Site, family: Family, flags: &[Flags]) -> Vec<String> {
    let capture = site.attacker.capture();
    let mut from = site.attacker.endpoint(family, 40_000);
    for flags in flags {
        for port in PORTS {
            from.port += 1;
            site.attacker.send_frame(&segment::frame(
                from,
                site.origin.endpoint(family, port),
                flags,
                &[],
            ));
        }
    }
    let ends = Some((site.origin.address(family), site.attacker.address(family)));
    let seen = capture.matching(SILENCE, |frame: &Captured| {
        !frame.outgoing && frame.addresses() == ends
    });
    seen.iter()
        .map(|frame| match frame.tcp() {
            Some(tcp) => format!("from {} syn {} rst {}", tcp.source_port, tcp.syn, tcp.rst),
            None => "no TCP: ICMP".to_owned(),
        })
        .collect()
}

fn a_stranger_who_opens_a_connection_in_any_way_hears_nothing(mode: &str) {
    for family in BOTH {
        let site = Site::standard();
        // So that the attacker's neighbour is known, and to show that these segments are answered at all.
        is_served(&site.attacker, port(&site.origin, family, 80));
        assert!(
            answers(&site, family, &OPENING).len() > 10,
            "the test proves nothing"
        );
        let site = filtered(mode, "--tcp 80,443,8080");
        let heard = answers(&site, family, &OPENING);
        assert!(heard.is_empty(), "{heard:?}");
        assert_eq!(
            dropped(&site, "untrusted-syn").0,
            (OPENING.len() * PORTS.len()) as u64
        );
    }
}

fn scans_hear_nothing_at_level_unestablished(mode: &str) {
    for family in BOTH {
        let site = Site::standard();
        is_served(&site.attacker, port(&site.origin, family, 80));
        assert!(
            answers(&site, family, &OTHER).len() > 8,
            "the test proves nothing"
        );
        let site = filtered(mode, "--tcp 80,443,8080 --drop unestablished");
        let heard = answers(&site, family, &OTHER);
        assert!(heard.is_empty(), "{heard:?}");
        assert_eq!(
            dropped(&site, "untrusted-stray").0,
            (OTHER.len() * PORTS.len()) as u64
        );
        is_served(&site.proxy, port(&site.origin, family, 80));
    }
}

fn scans_hear_nothing_at_level_all(mode: &str) {
    for family in BOTH {
        let site = filtered(mode, "--tcp 80,443,8080 --drop all");
        let heard = answers(&site, family, &OTHER);
        assert!(heard.is_empty(), "{heard:?}");
        assert_eq!(
            dropped(&site, "untrusted-segment").0,
            (OTHER.len() * PORTS.len()) as u64
        );
        is_served(&site.proxy, port(&site.origin, family, 80));
    }
}

fn nothing_comes_later_either(mode: &str) {
    let site = filtered(mode, "--drop unestablished");
    let capture = site.attacker.capture();
    let (from, to) = (
        site.attacker.endpoint(Family::V4, 40_000),
        site.origin.endpoint(Family::V4, 443),
    );
    site.attacker
        .send_frame(&segment::frame(from, to, "S", b"early data"));
    // A SYN-ACK would be sent again after a second.
    let ends = Some((to.address, from.address));
    let heard = capture.matching(Duration::from_millis(1300), |frame| {
        !frame.outgoing && frame.addresses() == ends
    });
    assert!(heard.is_empty(), "{heard:?}");
}

in_both_modes!(
    a_stranger_who_opens_a_connection_in_any_way_hears_nothing,
    scans_hear_nothing_at_level_unestablished,
    scans_hear_nothing_at_level_all,
    nothing_comes_later_either,
);

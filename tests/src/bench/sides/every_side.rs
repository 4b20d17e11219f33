//! Checks that every side filters as it should. The speed of a side that does not filter means nothing.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Kind, Side, Workshop};
use crate::bench::cpu;
use crate::bench::flood::Flood;
use crate::bench::prefixes::Prefixes;
use crate::bench::traffic::{SHORTEST, STRANGER_V4, Segment, TRUSTED_V4, Template};
use crate::lab::{Family, Lab};

const FRAMES: u32 = 1_000;
/// The upper half of an address in 2001:db8:94::/48, which every list trusts.
const TRUSTED_V6: u64 = 0x2001_0db8_0094_0000;

/// The sides that have a list, and the programs that they need.
const LISTED: [(Kind, &[&str]); 6] = [
    (Kind::Synwall, &[]),
    (Kind::SynwallUnestablished, &[]),
    (Kind::Plain, &["iptables-restore", "ip6tables-restore"]),
    (Kind::Ipset, &["iptables-restore", "ipset"]),
    (Kind::NftIngress, &["nft"]),
    (Kind::NftPrerouting, &["nft"]),
];

fn workshop() -> Workshop {
    Workshop::new(Lab::new().directory().to_owned())
}

/// Whether the programs of a side are installed. `cargo xtask bench` installs them; tests skip a side without them.
fn installed(kind: Kind, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|&&program| {
        let mut command = Command::new(program);
        command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_err()
    });
    if let Some(program) = missing {
        eprintln!("skipped: {}, because {program} is not installed", kind.name());
    }
    missing.is_none()
}

fn flood(family: Family, segment: Segment, sources: &[u64]) -> Flood {
    Flood::new(Template::new(family, segment, SHORTEST), sources)
}

/// How many of the sent frames were dropped, once all of them have been received.
fn dropped(workshop: &Workshop, side: &Side, flood: &Flood) -> u64 {
    let received = || side.receiver.nic.counters().received;
    let before = (received(), side.dropped());
    let sent = workshop.sender.namespace().run(|| {
        cpu::stay_on(cpu::last());
        flood.send(side.receiver.through, FRAMES).0
    });
    let deadline = Instant::now() + Duration::from_secs(5);
    while received() < before.0 + u64::from(sent) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(
        received() - before.0,
        u64::from(sent),
        "{} lost frames",
        side.kind.name()
    );
    side.dropped() - before.1
}

#[test]
fn sides_with_a_list_drop_strangers_and_nobody_else() {
    let mut workshop = workshop();
    let list = Prefixes::routed(1_000);
    let strangers = [
        (
            "SYNs over IPv4",
            flood(Family::V4, Segment::Syn, &list.strangers_v4(24, 500)),
        ),
        (
            "SYNs over IPv6",
            flood(Family::V6, Segment::Syn, &list.strangers_v6(500)),
        ),
    ];
    let trusted = [
        (
            "SYNs over IPv4",
            flood(Family::V4, Segment::Syn, &[TRUSTED_V4 as u64]),
        ),
        ("SYNs over IPv6", flood(Family::V6, Segment::Syn, &[TRUSTED_V6])),
    ];
    for (kind, programs) in LISTED {
        if !installed(kind, programs) {
            continue;
        }
        let side = workshop.side(kind, &list);
        for (what, flood) in &strangers {
            let dropped = dropped(&workshop, &side, flood);
            assert_eq!(dropped, u64::from(FRAMES), "{}: {what} of strangers", kind.name());
        }
        for (what, flood) in &trusted {
            let dropped = dropped(&workshop, &side, flood);
            assert_eq!(dropped, 0, "{}: {what} of the trusted", kind.name());
        }
    }
}

#[test]
fn stray_acks_of_strangers_are_dropped_by_all_that_are_compared() {
    let mut workshop = workshop();
    let list = Prefixes::vendor();
    let strays = flood(Family::V4, Segment::Ack, &[STRANGER_V4 as u64]);
    for (kind, programs) in LISTED {
        // At its default drop level, synwall passes segments that open no connection.
        if kind == Kind::Synwall || !installed(kind, programs) {
            continue;
        }
        let side = workshop.side(kind, &list);
        let dropped = dropped(&workshop, &side, &strays);
        assert_eq!(dropped, u64::from(FRAMES), "{}", kind.name());
    }
}

#[test]
fn sides_without_a_list_drop_everything() {
    let mut workshop = workshop();
    let flood = flood(Family::V4, Segment::Syn, &[STRANGER_V4 as u64]);
    for (kind, programs) in [(Kind::Bound, [].as_slice()), (Kind::XdpFilter, &["xdp-filter"])] {
        if !installed(kind, programs) {
            continue;
        }
        let side = workshop.side(kind, &Prefixes::vendor());
        let dropped = dropped(&workshop, &side, &flood);
        assert_eq!(dropped, u64::from(FRAMES), "{}", kind.name());
    }
}

#[test]
fn without_a_filter_nothing_is_dropped() {
    let mut workshop = workshop();
    let flood = flood(Family::V4, Segment::Syn, &[STRANGER_V4 as u64]);
    let side = workshop.side(Kind::Pass, &Prefixes::vendor());
    assert_eq!(dropped(&workshop, &side, &flood), 0);
}

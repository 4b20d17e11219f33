//! hping3: unusual flags, fragments, and its own port scan. It supports IPv4 only.

use std::thread;

use tests::lab::{Family, Host, Output};

use crate::scanners::{
    answer::Answer,
    level::{Level, New, Observe},
    scanned::{SETTLED, Scanned, at_each_level, side_by_side},
};

/// Options, and the answers of an open port: without drops, and at level `new`.
const WAYS: [(&str, &[&str], &[&str]); 18] = [
    ("-S -p 443", &["SYN-ACK"], &[]),
    ("-S -F -p 443", &[], &[]),
    ("-S -P -U -p 443", &["SYN-ACK"], &[]),
    ("-S -X -Y -p 443", &["SYN-ACK"], &[]),
    ("-S -R -p 443", &[], &[]),
    ("-A -p 443", &["RST"], &["RST"]),
    ("-F -S -R -P -A -U -X -Y -p 443", &[], &[]),
    ("-S -A -F -P -U -X -Y -p 443", &["RST"], &["RST"]),
    ("-X -p 443", &[], &[]),
    ("-X -Y -p 8080", &["RST"], &["RST"]),
    ("-F -P -U -p 8080", &["RST"], &["RST"]),
    ("-S -f -m 16 -d 64 -p 443", &["SYN-ACK"], &[]),
    ("-A -f -m 16 -d 64 -p 443", &["RST"], &["RST"]),
    ("-S -x -d 64 -p 443", &["reassembly time exceeded"], &[]),
    ("-S -O 15 -p 443", &[], &[]),
    ("-S --rroute -p 443", &["SYN-ACK"], &[]),
    ("--udp -d 32 -p 443", &["datagram"], &[]),
    ("--udp -p 8443", &["port unreachable"], &[]),
];

/// Runs hping3 with three packets in quick succession. Returns the different answers of the origin.
fn answers(scanned: &Scanned, from: &Host, options: &str) -> Vec<String> {
    let capture = from.capture();
    let mut hping = from.command("hping3");
    // hping3 uses its process id as the identification of all fragments. The kernel would replace an identification
    // of 0, so each fragment would get another one.
    hping
        .args("--numeric --count 3 --interval u10000 --id 1".split(' '))
        .args(options.split(' '));
    hping.arg(scanned.site.origin.address(Family::V4).to_string());
    // hping3 exits with 1 if no answer arrived.
    let output = Output::of(&mut hping);
    assert!(output.stderr.contains("3 packets transmitted"), "{output}");
    let half_a_packet = options.contains("-x");
    let time = SETTLED.saturating_mul(if half_a_packet { 10 } else { 1 });
    let heard = scanned.heard_within(time, from, &capture);
    let mut answers: Vec<String> = heard.iter().map(|frame| Answer::of(frame).word).collect();
    answers.sort();
    answers.dedup();
    answers
}

#[test]
fn odd_flags_and_fragments_are_answered_only_where_the_level_lets_them_pass() {
    let levels = at_each_level(|level| {
        side_by_side("native", level, &WAYS, |scanned, from, way| {
            answers(scanned, from, way.0)
        })
    });
    for (level, seen) in levels {
        for ((options, without, at_new), answers) in WAYS.iter().zip(seen) {
            let expected = match level {
                Observe => *without,
                New => *at_new,
                _ => &[],
            };
            assert_eq!(answers, expected, "{level:?}: hping3 {options}");
        }
    }
}

/// The ports that hping3's own scan prints, and whether any answer arrived.
fn scan(level: Level, flags: &str) -> (String, bool) {
    let scanned = Scanned::at(level, 1);
    let from = &scanned.site.others[0];
    let capture = from.capture();
    let mut hping = from.command("hping3");
    hping
        .args("--numeric --scan 80,443,8080".split(' '))
        .args(flags.split(' '));
    hping.arg(scanned.site.origin.address(Family::V4).to_string());
    let output = Output::of(&mut hping);
    (
        output.stdout.clone() + &output.stderr,
        !scanned.heard(from, &capture).is_empty(),
    )
}

#[test]
fn its_own_scan_finds_all_ports_silent() {
    let scans = [
        (Level::Unestablished, "-S"),
        (Level::Unestablished, "-A"),
        (Level::All, "-F -P -U"),
        (Observe, "-S"),
    ];
    thread::scope(|scope| {
        for (level, flags) in scans {
            scope.spawn(move || {
                let (said, heard) = scan(level, flags);
                let list = said.split_once("Not responding ports:");
                let silent = list.and_then(|(_, rest)| rest.lines().next()).unwrap_or_default();
                for port in ["80", "443", "8080"] {
                    assert_eq!(
                        silent.contains(port),
                        level.is_silent(),
                        "{level:?} {flags}: {said}"
                    );
                }
                assert_eq!(heard, !level.is_silent(), "{level:?} {flags}: {said}");
                assert_eq!(said.contains(".S..A..."), level == Observe, "{said}");
            });
        }
    });
}

//! Port scans with nmap: every kind of scan at every level over both versions of IP, and every frame that the origin
//! sent in answer.

use std::collections::BTreeMap;

use tests::lab::{Family, Host};

use crate::scanners::{
    answer::Answer,
    document,
    level::{All, Level, New, Observe, Unestablished},
    nmap::Nmap,
    scanned::{BOTH, Scanned, TCP, UDP, at_each_level, modes, side_by_side},
};

/// A scan: its name in the table, nmap's options, and whether nmap supports it over IPv6.
struct Scan(&'static str, &'static str, bool);

const TCP_SCANS: [Scan; 33] = [
    Scan("SYN", "-sS", true),
    Scan("connect", "-sT", true),
    Scan("ACK", "-sA", true),
    Scan("window", "-sW", true),
    Scan("FIN", "-sF", true),
    Scan("NULL", "-sN", true),
    Scan("Xmas", "-sX", true),
    Scan("Maimon (FIN, ACK)", "-sM", true),
    Scan("SYN in fragments of 8 bytes", "-sS -f", false),
    Scan("SYN in fragments of 16 bytes", "-sS -f -f", false),
    Scan(
        "SYN with options, fragments",
        "-sS --mtu 16 --ip-options T",
        false,
    ),
    Scan("ACK in fragments of 8 bytes", "-sA --mtu 8", false),
    Scan("FIN in fragments of 24 bytes", "-sF --mtu 24", false),
    Scan("SYN with data", "-sS --data-length 25", true),
    Scan("ACK with data", "-sA --data-length 1200", true),
    Scan("SYN, wrong checksum", "-sS --badsum", true),
    Scan("ACK, wrong checksum", "-sA --badsum", true),
    Scan("SYN from port 80", "-sS --source-port 80", true),
    Scan("SYN from port 443", "-sS --source-port 443", true),
    Scan("SYN from port 53", "-sS --source-port 53", true),
    Scan("ACK from port 443", "-sA --source-port 443", true),
    Scan("SYN, TTL 1", "-sS --ttl 1", true),
    Scan("SYN, record route", "-sS --ip-options R", false),
    Scan("SYN, timestamps", "-sS --ip-options T", false),
    Scan("SYN, loose source route", "-sS --ip-options L", false),
    Scan("SYN, strict source route", "-sS --ip-options S", false),
    Scan(
        "SYN, an option that ends nowhere",
        r"-sS --ip-options \x44\x28\x05\x00",
        false,
    ),
    Scan(
        "ACK, an option that ends nowhere",
        r"-sA --ip-options \x44\x28\x05\x00",
        false,
    ),
    Scan("SYN, FIN", "-sS --scanflags SYNFIN", true),
    Scan("SYN, RST", "-sS --scanflags SYNRST", true),
    Scan("SYN, ECE, CWR", "-sS --scanflags SYNECECWR", true),
    Scan("SYN, ACK", "-sS --scanflags SYNACK", true),
    Scan("PSH, URG", "-sF --scanflags PSHURG", true),
];

const UDP_SCANS: [Scan; 3] = [
    Scan("UDP", "-sU", true),
    Scan("UDP with data", "-sU --data-length 100", true),
    Scan("UDP from port 53", "-sU --source-port 53", true),
];

/// nmap's state of a port, and the origin's first answer about it.
type Finding = (String, Option<String>);
/// Findings by the number of the scan, the version of IP and the port.
type Findings = BTreeMap<(usize, bool, u16), Finding>;

/// Runs every scan at one level.
fn scan_all(mode: &str, level: Level, scans: &[Scan], ports: &[u16]) -> Findings {
    let runs: Vec<(usize, Family)> = (0..scans.len())
        .flat_map(|number| BOTH.map(|family| (number, family)))
        .filter(|(number, family)| *family == Family::V4 || scans[*number].2)
        .collect();
    let found = side_by_side(mode, level, &runs, |scanned, from, (number, family)| {
        let found = scan(scanned, from, *family, &scans[*number], ports);
        let key = |port| (*number, *family == Family::V4, port);
        found
            .into_iter()
            .map(|(port, finding)| (key(port), finding))
            .collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

/// Runs one scan from its own host.
fn scan(scanned: &Scanned, from: &Host, family: Family, scan: &Scan, ports: &[u16]) -> Vec<(u16, Finding)> {
    let capture = from.capture();
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    let nmap = Nmap::run(
        from,
        &scanned.site.origin,
        family,
        &format!("-Pn {} -p {list}", scan.1),
    );
    let answers: Vec<Answer> = scanned.heard(from, &capture).iter().map(Answer::of).collect();
    for answer in &answers {
        assert!(
            answer.port.is_some_and(|port| ports.contains(&port)),
            "{}: {answer}",
            scan.0
        );
    }
    let states = nmap.ports();
    assert_eq!(states.len(), ports.len(), "{}", nmap.output);
    let first = |port| {
        answers
            .iter()
            .find(|answer| answer.port == Some(port))
            .map(|answer| answer.word.clone())
    };
    states
        .into_iter()
        .map(|(port, state)| (port, (state, first(port))))
        .collect()
}

/// The table of the document: a row for each scan, or one for each version of IP where they differ.
fn rows(scans: &[Scan], levels: &BTreeMap<Level, Findings>, open: &[u16], closed: u16) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (number, scan) in scans.iter().enumerate() {
        let cells = |v4: bool| -> Vec<String> {
            let cell = |level: Level, port: u16| show(&levels[&level][&(number, v4, port)]);
            let mut cells = Vec::new();
            for level in [Observe, New] {
                let opened: Vec<_> = open.iter().map(|port| cell(level, *port)).collect();
                assert!(
                    opened.iter().all(|one| *one == opened[0]),
                    "{}: {opened:?}",
                    scan.0
                );
                cells.extend([opened[0].clone(), cell(level, closed)]);
            }
            let silent: Vec<_> = [Unestablished, All]
                .iter()
                .flat_map(|level| open.iter().chain([&closed]).map(|port| cell(*level, *port)))
                .collect();
            assert!(
                silent.iter().all(|one| *one == silent[0]),
                "{}: {silent:?}",
                scan.0
            );
            cells.push(silent[0].clone());
            cells
        };
        let mut row = |ip: &str, cells: Vec<String>| {
            let name = format!("{} (`{}`)", scan.0, scan.1);
            rows.push([vec![name, ip.to_owned()], cells].concat());
        };
        let v4 = cells(true);
        match scan.2.then(|| cells(false)) {
            Some(v6) if v6 == v4 => row("both", v4),
            Some(v6) => {
                row("4", v4);
                row("6", v6);
            }
            None => row("4", v4),
        }
    }
    rows
}

fn show((state, answer): &Finding) -> String {
    match answer {
        Some(answer) => format!("{state} ({answer})"),
        // Without an answer nmap names two states, separated by `|`. In a table this character must be escaped.
        None => state.replace('|', r"\|"),
    }
}

/// Runs the scans at all levels in parallel, checks the rules, and compares the rest with the document.
fn matrix(mode: &str, scans: &[Scan], open: &[u16], closed: u16) {
    let ports = [open, &[closed]].concat();
    let levels = at_each_level(|level| scan_all(mode, level, scans, &ports));
    for (level, findings) in levels.iter().filter(|(level, _)| level.is_silent()) {
        for ((number, _, port), (state, answer)) in findings {
            let context = format!(
                "{level:?}, {}, port {port}: {state}, {answer:?}",
                scans[*number].0
            );
            assert!(
                matches!(state.as_str(), "filtered" | "open|filtered"),
                "{context}"
            );
            assert_eq!(*answer, None, "{context}");
        }
    }
    let head = [
        "scan",
        "IP",
        "nothing dropped, open",
        "closed",
        "`new`, open",
        "closed",
        "`unestablished` and `all`, both",
    ];
    document::has(&document::table(&head, &rows(scans, &levels, open, closed)));
}

#[test]
fn every_tcp_scan_of_a_protected_port_finds_what_the_document_says() {
    modes()
        .iter()
        .for_each(|mode| matrix(mode, &TCP_SCANS, &TCP[..2], TCP[2]));
}

#[test]
fn every_udp_scan_of_a_protected_port_finds_what_the_document_says() {
    modes()
        .iter()
        .for_each(|mode| matrix(mode, &UDP_SCANS, &UDP[..1], UDP[1]));
}

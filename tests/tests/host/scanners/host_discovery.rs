//! Host discovery and protocol scans with nmap. A probe of a protected port finds no host. The filter lets other
//! probes pass, and the host answers them.

use tests::lab::Family;

use crate::scanners::{
    answer::Answer,
    document,
    level::{All, Level, New, Observe, Unestablished},
    nmap::Nmap,
    scanned::{BOTH, TCP, UDP, at_each_level, side_by_side},
};

/// A probe: its name in the table, nmap's options, whether nmap supports it over IPv6, and whether all of it goes to
/// protected ports.
struct Probe(&'static str, &'static str, bool, bool);

const PROBES: [Probe; 16] = [
    Probe("SYN ping, open", "-sn -PS80,443", true, true),
    Probe("SYN ping, closed", "-sn -PS8080", true, true),
    Probe("ACK ping, open", "-sn -PA80,443", true, true),
    Probe("ACK ping, closed", "-sn -PA8080", true, true),
    Probe("UDP ping, open", "-sn -PU443", true, true),
    Probe("UDP ping, closed", "-sn -PU8443", true, true),
    Probe("SYN ping, unprotected port", "-sn -PS22", true, false),
    Probe("SCTP ping", "-sn -PY80,443", true, false),
    Probe("echo request", "-sn -PE", true, false),
    Probe("timestamp request", "-sn -PP", false, false),
    Probe("address mask request", "-sn -PM", false, false),
    Probe("protocol ping, IGMP", "-sn -PO2", false, false),
    Probe("SCTP scan, INIT", "-Pn -sY -p 443", true, false),
    Probe("SCTP scan, COOKIE-ECHO", "-Pn -sZ -p 443", true, false),
    Probe(
        "protocol scan, TCP (an ACK to port 80)",
        "-Pn -sO -p 6",
        true,
        true,
    ),
    Probe("protocol scan, GRE", "-Pn -sO -p 47", true, false),
];

/// nmap's result and the origin's first answer, for each probe and version of IP.
fn probe_all(level: Level) -> Vec<String> {
    side_by_side("native", level, &runs(), |scanned, from, (number, family)| {
        let Probe(name, options, _, is_about_ports) = PROBES[*number];
        let capture = from.capture();
        let nmap = Nmap::run(from, &scanned.site.origin, *family, options);
        let heard = scanned.heard(from, &capture);
        let answers: Vec<Answer> = heard.iter().map(Answer::of).collect();
        let word = match nmap.ports().into_values().next() {
            Some(state) => state,
            None if nmap.is_up() => "up".to_owned(),
            None => "down".to_owned(),
        };
        let nothing_said = ["down", "filtered", "open|filtered"].contains(&word.as_str());
        if level.is_silent() && is_about_ports {
            assert!(
                nothing_said && answers.is_empty(),
                "{level:?}, {name}: {word}, {answers:?}"
            );
        }
        let word = word.replace('|', r"\|");
        match answers.first() {
            Some(answer) => format!("{word} ({})", answer.word),
            None => word,
        }
    })
}

fn runs() -> Vec<(usize, Family)> {
    let both = |number| BOTH.map(|family| (number, family));
    let runs = (0..PROBES.len()).flat_map(both);
    runs.filter(|(number, family)| *family == Family::V4 || PROBES[*number].2)
        .collect()
}

#[test]
fn a_probe_of_a_protected_port_finds_no_host() {
    // The probes name these ports.
    assert_eq!((TCP, UDP), ([80, 443, 8080], [443, 8443]));
    let seen = at_each_level(probe_all);
    let rows: Vec<Vec<String>> = runs()
        .iter()
        .enumerate()
        .map(|(at, (number, family))| {
            let Probe(name, options, ..) = PROBES[*number];
            let cell = |level: Level| seen[&level][at].clone();
            assert_eq!(cell(Unestablished), cell(All), "{name}");
            let ip = if *family == Family::V4 { "4" } else { "6" };
            let cells = [Observe, New, Unestablished].map(cell);
            [vec![format!("{name} (`{options}`)"), ip.to_owned()], cells.into()].concat()
        })
        .collect();
    let head = [
        "probe",
        "IP",
        "nothing dropped",
        "`new`",
        "`unestablished` and `all`",
    ];
    document::has(&document::table(&head, &document::merged(rows)));
}

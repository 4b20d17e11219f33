//! What nmap can find besides ports: service versions, the operating system, the route to the host. All of it reveals
//! nothing about a protected port.

use crate::scanners::{
    answer::Answer,
    level::{All, Level, Observe, Unestablished},
    nmap::Nmap,
    scanned::{BOTH, TCP, UDP, side_by_side},
};

const WAYS: [&str; 3] = [
    "-Pn -sV --version-light -p 80,8080",
    // nmap compares these ports with others, which it chooses itself.
    "-Pn -O --osscan-guess --max-os-tries 1 -p 80,443,8080",
    "-Pn --traceroute -p 80,443,8080",
];

/// nmap's output and the answers about protected ports, for each method and version of IP.
fn identify(level: Level) -> Vec<(String, Vec<Answer>)> {
    let runs: Vec<_> = WAYS
        .iter()
        .flat_map(|way| BOTH.map(|family| (*way, family)))
        .collect();
    side_by_side("native", level, &runs, |scanned, from, (way, family)| {
        let capture = from.capture();
        let nmap = Nmap::run(from, &scanned.site.origin, *family, way);
        let answers = scanned.heard(from, &capture);
        let about_ports = answers.iter().map(Answer::of).filter(is_about_a_protected_port);
        (nmap.output.stdout, about_ports.collect())
    })
}

fn is_about_a_protected_port(answer: &Answer) -> bool {
    answer
        .port
        .is_some_and(|port| TCP.contains(&port) || UDP.contains(&port))
}

#[test]
fn services_and_system_are_not_recognised_by_protected_ports() {
    for level in [Unestablished, All] {
        for (said, answers) in identify(level) {
            assert!(answers.is_empty(), "{level:?}: {answers:?}\n{said}");
            let filtered = said.matches("/filtered/tcp").count();
            assert!(
                filtered >= 2 && !said.contains("/open/") && !said.contains("/closed/"),
                "{said}"
            );
            assert!(!said.contains("nginx"), "{said}");
        }
    }
}

#[test]
fn without_a_filter_they_are() {
    for (at, (said, answers)) in identify(Observe).into_iter().enumerate() {
        assert!(!answers.is_empty() && said.contains("80/open/tcp"), "{said}");
        // There is a result of each method for both versions of IP.
        assert!(at / 2 != 0 || said.contains("nginx"), "{said}");
    }
}

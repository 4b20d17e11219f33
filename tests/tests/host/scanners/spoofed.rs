//! Scans with a spoofed source. The origin does not answer the real owner of the address either. So an attacker who
//! sees the owner's traffic (idle scan, decoy, a whole spoofed network) learns nothing.

use std::thread;

use tests::lab::{Family, Host};

use crate::scanners::{
    answer::Answer,
    level::{Level, Observe},
    nmap::Nmap,
    scanned::{BOTH, Scanned, at_each_level},
};

/// Methods to spoof an address: nmap's options, with `NAME` for the address.
const WAYS: [&str; 4] = [
    "-Pn -sS -p 80,8080 -S NAME -e eth0",
    "-Pn -sA -p 80,8080 -S NAME -e eth0",
    "-Pn -sU -p 443,8443 -S NAME -e eth0",
    "-Pn -sS -p 80,8080 -D NAME,ME",
];

/// What the owner of a spoofed address receives, for each method. All run in parallel, each with two strangers.
fn bystanders_hear(level: Level) -> Vec<(String, Vec<Answer>)> {
    let runs: Vec<_> = WAYS
        .iter()
        .flat_map(|way| BOTH.map(|family| (*way, family)))
        .collect();
    let scanned = Scanned::at(level, 2 * runs.len());
    let heard = thread::scope(|scope| {
        let pairs = scanned.site.others.chunks(2).zip(&runs);
        let running: Vec<_> = pairs
            .map(|(pair, (way, family))| {
                let scanned = &scanned;
                scope.spawn(move || bystander_hears(scanned, &pair[0], &pair[1], *family, way))
            })
            .collect();
        let ended = running
            .into_iter()
            .map(|thread| thread.join().expect("see the message above"));
        ended.collect()
    });
    scanned.proxy_is_served();
    heard
}

fn bystander_hears(
    scanned: &Scanned,
    from: &Host,
    bystander: &Host,
    family: Family,
    way: &str,
) -> (String, Vec<Answer>) {
    // nmap needs a route from the address that it uses.
    let name = bystander.address(family).to_string();
    let (len, no_dad) = if name.contains(':') {
        (128, "nodad")
    } else {
        (32, "")
    };
    from.namespace()
        .ip(&format!("addr add {name}/{len} dev lo {no_dad}\n"));
    let capture = bystander.capture();
    let way = way.replace("NAME", &name);
    Nmap::run(from, &scanned.site.origin, family, &way);
    let answers = scanned.heard(bystander, &capture);
    (way, answers.iter().map(Answer::of).collect())
}

#[test]
fn nobody_hears_of_a_scan_in_his_name() {
    let levels = at_each_level(bystanders_hear);
    for (level, heard) in &levels {
        for (way, answers) in heard {
            if level.is_silent() {
                assert!(answers.is_empty(), "{level:?}, {way}: {answers:?}");
            } else if *level == Observe {
                assert!(!answers.is_empty(), "the test proves nothing: {way}");
            }
        }
    }
}

//! Scans in somebody else's name: the origin does not answer him either, so nobody who can see what he gets (the zombie of an
//! idle scan, a decoy, a whole network behind a spoofed source) learns anything.

use crate::{
    answer::Answer,
    level::{Level, Observe},
    nmap::Nmap,
    scanned::{BOTH, Scanned},
};

/// What another stranger hears when his address is used, for each way to use it.
fn bystander_hears(level: Level) -> Vec<(String, Vec<Answer>)> {
    let scanned = Scanned::at(level, 2);
    let [from, bystander] = &scanned.site.others[..] else {
        panic!("two strangers");
    };
    // nmap wants a route from the address that it uses.
    let [v4, v6] = BOTH.map(|family| bystander.address(family));
    from.namespace().ip(&format!(
        "addr add {v4}/32 dev lo\naddr add {v6}/128 dev lo nodad\n"
    ));
    let mut heard = Vec::new();
    for family in BOTH {
        let name = bystander.address(family);
        for way in [
            format!("-Pn -sS -p 80,8080 -S {name} -e eth0"),
            format!("-Pn -sA -p 80,8080 -S {name} -e eth0"),
            format!("-Pn -sU -p 443,8443 -S {name} -e eth0"),
            format!("-Pn -sS -p 80,8080 -D {name},ME"),
        ] {
            let captures = [from, bystander].map(|host| (host, host.capture()));
            Nmap::run(from, &scanned.site.origin, family, &way);
            let answers = captures.map(|(host, capture)| scanned.heard(host, &capture));
            if level.is_silent() {
                assert!(answers[0].is_empty(), "{level:?}, {way}: {answers:?}");
            }
            heard.push((way, answers[1].iter().map(Answer::of).collect()));
        }
    }
    scanned.proxy_is_served();
    heard
}

#[test]
fn nobody_hears_of_a_scan_in_his_name() {
    let levels = crate::scanned::at_each_level(bystander_hears);
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

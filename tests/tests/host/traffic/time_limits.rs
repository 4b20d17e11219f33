//! `--for`: an entry expires by itself, without a synwall process.

use std::{
    io::ErrorKind,
    thread,
    time::{Duration, Instant},
};

use crate::traffic::visit::{BOTH, SILENCE, SOON, filtered, hears_nothing, is_served, json, port, synwall};

fn trust_for_a_while_ends_by_itself(mode: &str) {
    let site = filtered(mode, "");
    synwall(
        &site,
        "trust add 198.51.100.0/24 2001:db8:bad::/48 --label guest --for 1500ms",
    );
    for family in BOTH {
        is_served(&site.attacker, port(&site.origin, family, 80));
    }
    assert_eq!(
        json(&site, "trust list --json")["prefixes"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    site.no_process_of_ours_runs();
    let give_up = Instant::now() + 2 * SOON;
    while site
        .attacker
        .connect(port(&site.origin, BOTH[0], 80), SILENCE)
        .is_ok()
    {
        assert!(Instant::now() < give_up, "it did not end");
        thread::sleep(Duration::from_millis(50));
    }
    for family in BOTH {
        hears_nothing(&site.attacker, port(&site.origin, family, 80));
        is_served(&site.proxy, port(&site.origin, family, 80));
    }
    assert_eq!(
        json(&site, "trust list --json")["prefixes"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        json(&site, "status --json")["trusted"],
        serde_json::json!({"v4": 1, "v6": 1})
    );
    site.synwall(["trust", "check", "198.51.100.66"]).exits(1);
    // It can be added again.
    synwall(&site, "trust add 198.51.100.0/24");
    is_served(&site.attacker, port(&site.origin, BOTH[0], 80));
}

fn a_wider_prefix_decides_again_after_a_denied_one_has_ended(mode: &str) {
    let site = filtered(mode, "--trust 198.51.100.0/24");
    let origin = port(&site.origin, BOTH[0], 80);
    synwall(&site, "deny add 198.51.100.66 --for 1s");
    let denied = site.attacker.connect(origin, SILENCE).expect_err("it was denied");
    assert_eq!(denied.kind(), ErrorKind::TimedOut);
    let give_up = Instant::now() + 2 * SOON;
    while site.attacker.connect(origin, SILENCE).is_err() {
        assert!(Instant::now() < give_up, "it did not end");
    }
    is_served(&site.attacker, origin);
    assert_eq!(json(&site, "deny list --json")["prefixes"], serde_json::json!([]));
}

in_both_modes!(
    trust_for_a_while_ends_by_itself,
    a_wider_prefix_decides_again_after_a_denied_one_has_ended
);

//! Who gets in, before and after each change: the proxy and every trusted host, and no other host.

use std::{sync::atomic::AtomicBool, thread, time::Duration};

use tests::lab::{Flood, PAGE, Site};

use crate::traffic::visit::{
    BOTH, SILENCE, SOON, dropped, filtered, hears_nothing, is_served, port, synwall, up,
};

fn everybody_gets_in_before_up_and_the_proxy_alone_after_it(mode: &str) {
    let site = Site::standard();
    for filtered in [false, true] {
        if filtered {
            up(&site, mode, "");
        }
        for family in BOTH {
            for scheme in ["http", "https"] {
                let url = site.origin.url(scheme, family, "/");
                assert_eq!(site.proxy.get(&url, SOON).expect("the proxy's page").body, PAGE);
                if filtered {
                    let nothing = site
                        .attacker
                        .get(&url, SILENCE)
                        .expect_err("the attacker got through");
                    assert!(nothing.timed_out(), "{nothing}");
                } else {
                    assert_eq!(
                        site.attacker.get(&url, SOON).expect("the attacker's page").body,
                        PAGE
                    );
                }
            }
        }
    }
    assert!(dropped(&site, "untrusted-syn").0 >= 4);
}

fn other_ports_stay_open_to_everybody(mode: &str) {
    let site = filtered(mode, "--tcp 443");
    for family in BOTH {
        is_served(&site.attacker, port(&site.origin, family, 80));
        hears_nothing(&site.attacker, port(&site.origin, family, 443));
    }
    synwall(&site, "set --tcp 80");
    for family in BOTH {
        hears_nothing(&site.attacker, port(&site.origin, family, 80));
        // nginx speaks TLS on this port. A successful connection is enough here.
        site.attacker
            .connect(port(&site.origin, family, 443), SOON)
            .expect("a connection");
    }
}

fn trust_comes_and_goes_under_traffic(mode: &str) {
    let site = filtered(mode, "");
    for _ in 0..2 {
        for (family, network) in BOTH.into_iter().zip(["198.51.100.0/24", "2001:db8:bad::/48"]) {
            let origin = port(&site.origin, family, 80);
            hears_nothing(&site.attacker, origin);
            synwall(&site, &format!("trust add {network}"));
            is_served(&site.attacker, origin);
            synwall(&site, &format!("trust remove {network}"));
            hears_nothing(&site.attacker, origin);
            is_served(&site.proxy, origin);
        }
    }
}

fn a_denied_range_inside_a_trusted_one_gets_nothing(mode: &str) {
    let site = filtered(mode, "--trust 198.51.100.0/24 --trust 2001:db8:bad::/48");
    for (family, denied) in BOTH.into_iter().zip(["198.51.100.64/26", "2001:db8:bad::66"]) {
        let origin = port(&site.origin, family, 80);
        let mut connected = site
            .attacker
            .connect(origin, Duration::from_millis(300))
            .expect("trusted");
        connected.get("/").expect("a page");
        synwall(&site, &format!("deny add {denied}"));
        hears_nothing(&site.attacker, origin);
        // Row 4 comes before the drop level, so an existing connection is cut off, too.
        connected
            .get("/")
            .expect_err("a denied source is still connected");
        is_served(&site.proxy, origin);
        synwall(&site, &format!("deny remove {denied}"));
        is_served(&site.attacker, origin);
    }
    assert!(dropped(&site, "denied").0 >= 4);
}

fn observing_lets_everybody_in_and_counts(mode: &str) {
    let site = filtered(mode, "--observe --drop all");
    for family in BOTH {
        is_served(&site.attacker, port(&site.origin, family, 80));
        is_served(&site.proxy, port(&site.origin, family, 80));
    }
    assert_eq!(dropped(&site, "untrusted-syn"), (0, 2));
    assert_eq!(dropped(&site, "untrusted-segment").0, 0);
    assert!(dropped(&site, "untrusted-segment").1 >= 4);
    synwall(&site, "set --enforce");
    hears_nothing(&site.attacker, port(&site.origin, BOTH[0], 80));
    synwall(&site, "set --observe");
    is_served(&site.attacker, port(&site.origin, BOTH[0], 80));
}

fn the_proxy_is_served_during_a_flood(mode: &str) {
    let site = filtered(mode, "");
    let stop = AtomicBool::new(false);
    for family in BOTH {
        let flood = Flood::to(site.origin.endpoint(family, 443))
            .frames(u64::MAX)
            .lasting(Duration::from_secs(1));
        let sent = thread::scope(|scope| {
            let flood = scope.spawn(|| flood.run(&site.attacker, &stop));
            while !flood.is_finished() {
                is_served(&site.proxy, port(&site.origin, family, 80));
            }
            flood.join().expect("a flood")
        });
        assert!(sent.frames > 1000, "{sent:?}");
    }
}

in_both_modes!(
    everybody_gets_in_before_up_and_the_proxy_alone_after_it,
    other_ports_stay_open_to_everybody,
    trust_comes_and_goes_under_traffic,
    a_denied_range_inside_a_trusted_one_gets_nothing,
    observing_lets_everybody_in_and_counts,
    the_proxy_is_served_during_a_flood,
);

//! `trust replace` under traffic: every packet sees the whole old list or the whole new list.

use std::{
    fmt::Write as _,
    net::Ipv4Addr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use tests::lab::{Captured, Ended, Family};

use crate::traffic::visit::{
    BOTH, SILENCE, dropped, filtered, hears_nothing, is_served, json, port, send_syns,
};

/// How many prefixes a list has besides the proxy's, and how many lists there are.
const OTHERS: u32 = 3000;
const ROUNDS: u32 = 12;

/// The proxy's networks among thousands of others, which differ in each round.
fn list(round: u32) -> String {
    let mut text = String::new();
    for number in 0..OTHERS {
        // No host of the laboratory is in 11.0.0.0/8.
        let network = Ipv4Addr::from(0x0b00_0000 + ((round * 1000 + number) << 8));
        writeln!(text, "{network}/24 round-{round}").unwrap();
        if number == OTHERS / 2 {
            text += "185.94.108.0/24 qrator\n2001:db8:94::/48 proxy-v6\n";
        }
    }
    text
}

fn not_one_wrong_verdict_while_the_list_is_replaced(mode: &str) {
    let site = filtered(mode, "");
    let (done, served, tried) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let capture = site.attacker.capture();
    thread::scope(|scope| {
        let ended = Ended(&done);
        for family in BOTH {
            let (site, done, served, tried) = (&site, &done, &served, &tried);
            scope.spawn(move || {
                while !done.load(Relaxed) {
                    is_served(&site.proxy, port(&site.origin, family, 80));
                    served.fetch_add(1, Relaxed);
                }
            });
            scope.spawn(move || {
                while !done.load(Relaxed) {
                    send_syns(site, family, 50);
                    tried.fetch_add(50, Relaxed);
                }
            });
        }
        for round in 0..ROUNDS {
            site.synwall_with_input(["trust", "replace", "-"], &list(round))
                .ok();
        }
        drop(ended);
    });
    let (served, tried) = (served.into_inner(), tried.into_inner());
    assert!(
        served > 100 && tried > 100,
        "{served} and {tried} are too few to prove anything"
    );
    let from_origin = |frame: &Captured| {
        !frame.outgoing
            && frame.tcp().is_some()
            && frame
                .addresses()
                .is_some_and(|(source, _)| BOTH.iter().any(|family| source == site.origin.address(*family)))
    };
    let heard = capture.matching(SILENCE, from_origin);
    assert!(
        heard.is_empty(),
        "the attacker was answered {} times",
        heard.len()
    );
    assert_eq!(dropped(&site, "untrusted-syn").0, tried);
    // Every connection of the proxy was counted, in whichever list was in force.
    let prefixes = json(&site, "trust list --json");
    let proxies = prefixes["prefixes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["label"] != format!("round-{}", ROUNDS - 1));
    assert_eq!(
        proxies.map(|row| row["packets"].as_u64().unwrap()).sum::<u64>(),
        served
    );
}

fn the_new_list_decides_at_once(mode: &str) {
    let site = filtered(mode, "");
    let origin = port(&site.origin, Family::V4, 80);
    for _ in 0..3 {
        site.synwall_with_input(["trust", "replace", "-"], "198.51.100.66\n")
            .ok();
        is_served(&site.attacker, origin);
        hears_nothing(&site.proxy, origin);
        site.synwall_with_input(["trust", "replace", "-"], "185.94.108.10\n")
            .ok();
        is_served(&site.proxy, origin);
        hears_nothing(&site.attacker, origin);
    }
}

in_both_modes!(
    not_one_wrong_verdict_while_the_list_is_replaced,
    the_new_list_decides_at_once
);

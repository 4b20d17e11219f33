//! Counters: exact to the packet, and kept when a list is replaced.

use tests::lab::{Family, Site, frame};

use crate::traffic::visit::{BOTH, dropped, filtered, is_served, json, port, send_syns};

/// The row of that prefix in a table of the stats.
fn row(site: &Site, table: &str, prefix: &str) -> serde_json::Value {
    let stats = json(site, &format!("stats {table} --json"));
    let rows = stats[table].as_array().expect("rows").iter();
    let mut found = rows.filter(|row| row["prefix"] == prefix);
    found
        .next()
        .unwrap_or_else(|| panic!("{prefix} is not in {stats:#}"))
        .clone()
}

fn packets_on(site: &Site, prefix: &str) -> u64 {
    row(site, "prefixes", prefix)["packets"]
        .as_u64()
        .expect("a count")
}

fn every_dropped_syn_is_counted_once_by_reason_and_by_source(mode: &str) {
    let site = filtered(mode, "");
    let (mut packets, mut bytes) = (0, 0);
    for (family, network, count) in [
        (Family::V4, "198.51.100.0/24", 1000),
        (Family::V6, "2001:db8:bad::/48", 500),
    ] {
        send_syns(&site, family, count);
        packets += count;
        let length = frame::syn(
            site.attacker.endpoint(family, 1),
            site.origin.endpoint(family, 443),
        )
        .len() as u64;
        bytes += count * length;
        assert_eq!(dropped(&site, "untrusted-syn"), (packets, 0));
        let source = row(&site, "sources", network);
        let expected = serde_json::json!({
            "prefix": network, "packets": count, "bytes": count * length, "error": 0
        });
        assert_eq!(source, expected);
    }
    let stats = json(&site, "stats --json");
    let sum = |table: &str, key: &str| -> u64 {
        stats[table]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[key].as_u64().unwrap())
            .sum()
    };
    for table in ["reasons", "sources"] {
        assert_eq!(
            (sum(table, "packets"), sum(table, "bytes")),
            (packets, bytes),
            "{stats:#}"
        );
    }
    assert_eq!(json(&site, "status --json")["packets"]["dropped"], packets);
}

fn every_new_connection_is_counted_on_its_prefix_and_a_replaced_list_counts_on(mode: &str) {
    let site = filtered(mode, "--trust 192.0.2.0/24");
    let visit = |count: u64| {
        for family in BOTH {
            (0..count).for_each(|_| is_served(&site.proxy, port(&site.origin, family, 80)));
        }
    };
    visit(7);
    for prefix in ["185.94.108.0/24", "2001:db8:94::/48"] {
        assert_eq!(packets_on(&site, prefix), 7, "{prefix}");
    }
    let list = "185.94.108.0/24 renamed\n2001:db8:94::/48\n198.51.100.0/24\n";
    site.synwall_with_input(["trust", "replace", "-"], list).ok();
    visit(5);
    for prefix in ["185.94.108.0/24", "2001:db8:94::/48"] {
        assert_eq!(packets_on(&site, prefix), 12, "{prefix}");
    }
    assert_eq!(packets_on(&site, "198.51.100.0/24"), 0);
    // A prefix that was removed and added again starts at zero.
    site.synwall(["trust", "remove", "185.94.108.0/24"]).ok();
    site.synwall(["trust", "add", "185.94.108.0/24"]).ok();
    assert_eq!(packets_on(&site, "185.94.108.0/24"), 0);
    visit(1);
    assert_eq!(packets_on(&site, "185.94.108.0/24"), 1);
}

fn drops_are_counted_on_the_denied_prefix(mode: &str) {
    let site = filtered(mode, "--trust 198.51.100.0/24");
    site.synwall(["deny", "add", "198.51.100.66"]).ok();
    send_syns(&site, Family::V4, 20);
    assert_eq!(packets_on(&site, "198.51.100.66/32"), 20);
    assert_eq!(packets_on(&site, "198.51.100.0/24"), 0);
    assert_eq!(dropped(&site, "denied"), (20, 0));
    assert_eq!(row(&site, "sources", "198.51.100.0/24")["packets"], 20);
}

fn counters_survive_a_change_of_the_program(mode: &str) {
    let site = filtered(mode, "");
    let levels = ["new", "unestablished", "all"];
    for (level, count) in levels.into_iter().cycle().zip(1..=9) {
        site.synwall(["set", "--drop", level]).ok();
        send_syns(&site, Family::V4, 10);
        assert_eq!(dropped(&site, "untrusted-syn"), (10 * count, 0));
        assert_eq!(row(&site, "sources", "198.51.100.0/24")["packets"], 10 * count);
    }
}

in_both_modes!(
    every_dropped_syn_is_counted_once_by_reason_and_by_source,
    every_new_connection_is_counted_on_its_prefix_and_a_replaced_list_counts_on,
    drops_are_counted_on_the_denied_prefix,
    counters_survive_a_change_of_the_program,
);

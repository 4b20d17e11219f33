//! Every number is the kernel's: for both versions of IP, during a flood, and with a million prefixes.

use std::{collections::BTreeMap, fmt::Write as _, fs, sync::atomic::AtomicBool, thread};

use serde_json::Value;
use tests::{
    lab::{Family, Flood},
    origin::{Origin, SOON, agent::Agent},
};

use crate::metrics::page::{get, scrape, series, served};

fn flood(origin: &Origin, family: Family, frames: u64) {
    let flood = Flood::to(origin.site.origin.endpoint(family, 443))
        .frames(frames)
        .lasting(SOON);
    let sent = flood.run(&origin.site.attacker, &AtomicBool::new(false));
    assert_eq!(sent.frames, frames);
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// The figures of the command line, as series.
fn shown(origin: &Origin) -> BTreeMap<String, f64> {
    let (stats, status) = (origin.json("stats --json"), origin.json("status --json"));
    let mut all = BTreeMap::new();
    for row in stats["reasons"].as_array().unwrap() {
        let labels = format!("{{interface={},reason={}}}", row["interface"], row["reason"]);
        for (name, key) in [
            ("packets", "packets"),
            ("bytes", "bytes"),
            ("would_drop_packets", "would_drop_packets"),
            ("would_drop_bytes", "would_drop_bytes"),
        ] {
            all.insert(format!("synwall_{name}_total{labels}"), number(&row[key]));
        }
    }
    for row in stats["prefixes"].as_array().unwrap() {
        let labels = format!(
            "{{prefix={},action={},label={},origin={}}}",
            row["prefix"], row["action"], row["label"], row["origin"]
        );
        all.insert(
            format!("synwall_prefix_packets_total{labels}"),
            number(&row["packets"]),
        );
        all.insert(
            format!("synwall_prefix_bytes_total{labels}"),
            number(&row["bytes"]),
        );
    }
    for row in status["interfaces"].as_array().unwrap() {
        let labels = format!("{{interface={}}}", row["name"]);
        all.insert(
            format!("synwall_passed_packets_total{labels}"),
            number(&row["passed"]),
        );
    }
    for (action, list) in [("trust", "trusted"), ("deny", "denied"), ("retire", "retired")] {
        for (family, key) in [("ipv4", "v4"), ("ipv6", "v6")] {
            let labels = format!("{{action=\"{action}\",family=\"{family}\"}}");
            all.insert(format!("synwall_prefixes{labels}"), number(&status[list][key]));
        }
        let labels = format!("{{action=\"{action}\"}}");
        all.insert(
            format!("synwall_runtime_only_prefixes{labels}"),
            number(&status["runtime_only"][list]),
        );
    }
    all
}

/// Waits until the metrics have every figure of the command line, with the same value.
fn are_what_is_shown(agent: &mut Agent, origin: &Origin) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    let mut differs = String::new();
    agent.until("the metrics are what is shown", |_| {
        let shown = shown(origin);
        found = series(&scrape(origin));
        differs.clear();
        for (name, value) in &shown {
            if found.get(name) != Some(value) {
                let _ = writeln!(differs, "{name} {value}, not {:?}", found.get(name));
            }
        }
        // This output helps only if the values stay different.
        if !differs.is_empty() {
            eprintln!("{differs}");
        }
        differs.is_empty()
    });
    found
}

#[test]
fn what_is_dropped_and_passed_is_told_to_the_packet() {
    let (origin, _home, mut agent) = served("", "[deny]\nprefixes = [\"198.51.100.66\"]");
    flood(&origin, Family::V4, 700);
    flood(&origin, Family::V6, 300);
    origin.attack();
    origin.serves_the_proxy();
    let found = are_what_is_shown(&mut agent, &origin);
    let of = |name: &str| found[name];
    assert_eq!(
        of("synwall_packets_total{interface=\"eth0\",reason=\"untrusted-syn\"}"),
        1000.0
    );
    assert_eq!(
        of("synwall_packets_total{interface=\"eth0\",reason=\"denied\"}"),
        50.0
    );
    assert!(of("synwall_passed_packets_total{interface=\"eth0\"}") > 0.0);
    assert!(of("synwall_passed_bytes_total{interface=\"eth0\"}") > 0.0);
    let proxy = "{prefix=\"185.94.108.0/24\",action=\"trust\",label=\"proxy\",origin=\"config\"}";
    assert_eq!(of(&format!("synwall_prefix_packets_total{proxy}")), 1.0);
    assert_eq!(of("synwall_enforcing"), 1.0);
    assert_eq!(of("synwall_up"), 1.0);
    assert_eq!(of("synwall_prefix_series_omitted"), 0.0);
}

#[test]
fn what_would_be_dropped_is_told_apart_from_what_is() {
    let (origin, _home, mut agent) = served("policy = \"observe\"\nxdp = \"generic\"", "");
    // A port without a listener, so that the host sends no answers to random addresses.
    origin.attack();
    let found = are_what_is_shown(&mut agent, &origin);
    assert_eq!(
        found["synwall_would_drop_packets_total{interface=\"eth0\",reason=\"untrusted-syn\"}"],
        50.0
    );
    assert_eq!(
        found["synwall_packets_total{interface=\"eth0\",reason=\"untrusted-syn\"}"],
        0.0
    );
    assert_eq!(found["synwall_enforcing"], 0.0);
    assert_eq!(
        found["synwall_interface_info{interface=\"eth0\",mode=\"generic\",state=\"attached\"}"],
        1.0
    );
}

#[test]
fn of_many_prefixes_the_busiest_are_told_and_the_others_counted() {
    let (origin, home, mut agent) = served("", "");
    let mut text = String::new();
    for n in 0..1_000_000_u32 {
        let [_, a, b, c] = (n << 4).to_be_bytes();
        writeln!(text, "{}.{a}.{b}.{c}/28", 11).unwrap();
    }
    let list = home.etc.join("million.txt");
    fs::write(&list, text).unwrap();
    origin.synwall(&format!("deny replace {}", list.display()));
    for _ in 0..3 {
        origin.serves_the_proxy();
    }
    let busiest = "synwall_prefix_packets_total{prefix=\"185.94.108.0/24\",action=\"trust\",label=\"proxy\",origin=\"config\"}";
    let mut page = String::new();
    agent.until("the busiest prefix is told", |_| {
        page = scrape(&origin);
        series(&page).get(busiest) == Some(&3.0)
    });
    let found = series(&page);
    let told = found
        .keys()
        .filter(|series| series.starts_with("synwall_prefix_packets_total{"))
        .count();
    assert_eq!(told, 1000);
    let total: f64 = found
        .iter()
        .filter(|(name, _)| name.starts_with("synwall_prefixes{"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(total, 1_000_003.0);
    assert_eq!(found["synwall_prefix_series_omitted"], total - 1000.0);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    // The second scrape has the same series: the choice among equal prefixes is not random.
    let keys = |page: &str| series(page).into_keys().collect::<Vec<_>>();
    thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(keys(&scrape(&origin)), keys(&page));
}

#[test]
fn labels_that_disturb_do_not() {
    let (origin, _home, _agent) = served("", "");
    origin
        .site
        .synwall(["trust", "add", "10.0.0.0/8", "--label", "a\"b\\c{} 1"])
        .ok();
    let samples = series(&scrape(&origin));
    let name = "synwall_prefix_packets_total{prefix=\"10.0.0.0/8\",action=\"trust\",label=\"a\\\"b\\\\c{} 1\",origin=\"manual\"}";
    assert_eq!(samples[name], 0.0, "{samples:?}");
    assert_eq!(samples["synwall_runtime_only_prefixes{action=\"trust\"}"], 1.0);
}

#[test]
fn a_scrape_during_a_flood_never_goes_back() {
    let (origin, _home, mut agent) = served("", "");
    let stop = AtomicBool::new(false);
    let target = origin.site.origin.endpoint(Family::V4, 443);
    let sent = thread::scope(|scope| {
        let flood = Flood::to(target).frames(400_000).lasting(SOON);
        let (attacker, stop) = (&origin.site.attacker, &stop);
        let flood = scope.spawn(move || flood.run(attacker, stop).frames);
        let mut last = BTreeMap::new();
        while !flood.is_finished() {
            let now = series(&scrape(&origin));
            for (name, before) in last
                .iter()
                .filter(|(name, _): &(&String, _)| name.contains("_total"))
            {
                assert!(now[name] >= *before, "{name} fell from {before} to {}", now[name]);
            }
            assert_eq!(get(&origin, "/healthz").status, 200);
            last = now;
        }
        flood.join().unwrap()
    });
    let found = are_what_is_shown(&mut agent, &origin);
    let dropped = found["synwall_packets_total{interface=\"eth0\",reason=\"untrusted-syn\"}"];
    // A queue on the way may lose some frames.
    assert!(dropped > 0.0 && dropped <= sent as f64, "{dropped} of {sent}");
}

//! What is served is what the kernel counted.

use tests::{lab::Family, origin::SOON};

use crate::{get, scrape, served};

/// A sample of the interface, by its reason.
fn reason(name: &str, reason: &str) -> String {
    format!("{name}{{interface=\"eth0\",reason=\"{reason}\"}}")
}

#[test]
fn counters_are_those_of_stats() {
    let (origin, _home, _agent) = served("drop = \"all\"");
    let sent = origin.attack();
    for _ in 0..3 {
        origin.serves_the_proxy();
    }
    let stats = origin.json("stats --json");
    let samples = scrape(&origin);
    let rows = stats["reasons"].as_array().unwrap();
    assert!(rows.len() >= 8, "{rows:?}");
    for row in rows {
        let name = reason("synwall_packets_total", row["reason"].as_str().unwrap());
        assert_eq!(samples[&name], row["packets"].as_f64().unwrap(), "{name}");
        let name = name.replace("_packets", "_bytes");
        assert_eq!(samples[&name], row["bytes"].as_f64().unwrap(), "{name}");
    }
    assert_eq!(
        samples[&reason("synwall_packets_total", "untrusted-syn")],
        sent as f64
    );
    let proxy = "synwall_prefix_packets_total{prefix=\"185.94.108.0/24\",action=\"trust\",label=\"proxy\",origin=\"config\"}";
    assert_eq!(samples[proxy], 3.0);
    let status = origin.json("status --json");
    assert!(
        samples["synwall_passed_packets_total{interface=\"eth0\"}"]
            <= status["packets"]["passed"].as_f64().unwrap()
    );
    assert!(samples["synwall_passed_packets_total{interface=\"eth0\"}"] >= 3.0);
}

#[test]
fn what_observing_lets_pass_is_counted_apart() {
    let (origin, _home, _agent) = served("policy = \"observe\"");
    let sent = origin.attack();
    let address = origin.site.origin.address(Family::V6);
    origin.site.attacker.connect((address, 443).into(), SOON).unwrap();
    let samples = scrape(&origin);
    assert!(samples[&reason("synwall_would_drop_packets_total", "untrusted-syn")] >= sent as f64 + 1.0);
    assert_eq!(samples[&reason("synwall_packets_total", "untrusted-syn")], 0.0);
    assert_eq!(samples["synwall_enforcing"], 0.0);
}

#[test]
fn the_busiest_prefixes_are_shown_and_the_rest_is_counted() {
    let (origin, home, mut agent) = served("");
    let mut list = String::new();
    (0..2000).for_each(|n| list += &format!("10.{}.{}.0/24\n", n / 256, n % 256));
    home.write("many.txt", &list);
    let text = std::fs::read_to_string(home.config()).unwrap();
    let text = text.replace("[metrics]", "files = [\"many.txt\"]\n[metrics]\nprefixes = 5");
    agent.says_after("2000 entries set", || home.configure(&text));
    origin.serves_the_proxy();
    agent.until("shows five", |_| {
        let samples = scrape(&origin);
        let shown = samples
            .keys()
            .filter(|name| name.starts_with("synwall_prefix_packets_total"));
        samples.get("synwall_prefix_series_omitted") == Some(&1996.0)
            && shown.clone().count() == 5
            && shown.clone().any(|name| name.contains("185.94.108.0/24"))
    });
}

#[test]
fn labels_that_disturb_do_not() {
    let (origin, _home, _agent) = served("");
    origin
        .site
        .synwall(["trust", "add", "10.0.0.0/8", "--label", "a\"b\\c{} 1"])
        .ok();
    let samples = scrape(&origin);
    let name = "synwall_prefix_packets_total{prefix=\"10.0.0.0/8\",action=\"trust\",label=\"a\\\"b\\\\c{} 1\",origin=\"manual\"}";
    assert_eq!(samples[name], 0.0, "{samples:?}");
    assert_eq!(samples["synwall_runtime_only_prefixes{action=\"trust\"}"], 1.0);
}

#[test]
fn a_filter_that_is_taken_down_is_told() {
    let (origin, home, mut agent) = served("");
    assert_eq!(get(&origin, "/healthz"), (200, "ok\n".to_owned()));
    origin.synwall("down --all");
    home.write("poke", "");
    agent.until("tells", |_| get(&origin, "/healthz").0 == 503);
    // What was read a moment ago may serve once more.
    agent.until("tells", |_| scrape(&origin)["synwall_up"] == 0.0);
    let samples = scrape(&origin);
    assert!(
        !samples
            .keys()
            .any(|name| name.starts_with("synwall_packets_total"))
    );
    agent.reload();
    agent.until("is well again", |_| get(&origin, "/healthz").0 == 200);
}

#[test]
fn what_is_wrong_is_told() {
    let (origin, home, mut agent) = served("");
    let text = std::fs::read_to_string(home.config()).unwrap();
    agent.says_after("stays in force", || home.configure("interfaces = 1\n"));
    agent.until("is unwell", |_| get(&origin, "/healthz").0 == 503);
    let (_, body) = get(&origin, "/healthz");
    assert!(body.contains("synwall.toml:1:"), "{body}");
    agent.until("tells", |_| scrape(&origin)["synwall_config_error"] == 1.0);
    agent.says_after("changed", || home.configure(&text.replace("eth0", "eth7")));
    agent.until("tells", |_| scrape(&origin)["synwall_absent_interfaces"] == 1.0);
}

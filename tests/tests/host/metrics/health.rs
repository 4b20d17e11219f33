//! `/healthz` asks the kernel, and names what is not protected.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use aya::maps::{Array, Map, MapData};
use tests::lab::Namespace;
use tests::origin::{Origin, PINS, agent::Agent};

use crate::metrics::page::{get, names, scrape, series, served};

/// Waits until `/healthz` has this status and text.
#[track_caller]
fn says(agent: &mut Agent, origin: &Origin, status: u16, what: &str) {
    agent.until(&format!("/healthz says '{what}'"), |_| {
        let page = get(origin, "/healthz");
        page.status == status && page.body.contains(what)
    });
}

/// Waits until the metric has that value. The metrics may be a second old.
#[track_caller]
fn tells(agent: &mut Agent, origin: &Origin, name: &str, value: f64) {
    agent.until(&format!("{name} is {value}"), |_| {
        series(&scrape(origin)).get(name) == Some(&value)
    });
}

#[test]
fn a_filter_that_is_taken_down_is_missed_before_the_agent_looks() {
    let (origin, _home, mut agent) = served("", "");
    says(&mut agent, &origin, 200, "ok\n");
    let before = names(&scrape(&origin));
    origin.synwall("down --all");
    // This is not the agent's own check every 30 s, which would name the interface in other words.
    agent.until("/healthz has seen it", |_| {
        let page = get(&origin, "/healthz");
        page.status == 503 && page.body.lines().any(|line| line == "the filter is not up")
    });
    let page = scrape(&origin);
    assert_eq!(series(&page)["synwall_up"], 0.0);
    let now = names(&page);
    for gone in [
        "synwall_packets_total",
        "synwall_passed_packets_total",
        "synwall_prefixes",
        "synwall_prefix_packets_total",
        "synwall_enforcing",
        "synwall_interface_info",
        "synwall_generation",
    ] {
        assert!(before.contains(gone) && !now.contains(gone), "{gone}");
    }
    assert!(now.contains("synwall_config_last_success_timestamp_seconds"));
    agent.reload();
    says(&mut agent, &origin, 200, "ok\n");
    tells(&mut agent, &origin, "synwall_up", 1.0);
}

#[test]
fn an_interface_that_lost_its_filter_is_named() {
    let (origin, _home, mut agent) = served("", "");
    origin.synwall("down eth0");
    agent.reload();
    says(&mut agent, &origin, 200, "ok\n");
    // The filter stays up, because another interface is left.
    origin.add_interface("other0");
    origin.synwall("up other0");
    origin.synwall("down eth0");
    // A new interface makes the agent check.
    origin.add_interface("other1");
    says(&mut agent, &origin, 503, "eth0 is not protected");
    tells(&mut agent, &origin, "synwall_unprotected_interfaces", 1.0);
}

#[test]
fn a_mistake_in_the_configuration_is_told() {
    let (origin, home, mut agent) = served("", "");
    let text = fs::read_to_string(home.config()).unwrap();
    agent.says_after("stays in force", || home.configure("interfaces = 1\n"));
    says(&mut agent, &origin, 503, "synwall.toml:1:");
    tells(&mut agent, &origin, "synwall_config_error", 1.0);
    // The agent reads the file again, and finds the same mistake.
    agent.reload();
    agent.says_after("changed", || home.configure(&text.replace("eth0", "eth7")));
    tells(&mut agent, &origin, "synwall_absent_interfaces", 2.0);
    let page = scrape(&origin);
    assert_eq!(series(&page)["synwall_config_failures_total"], 1.0);
    assert_eq!(series(&page)["synwall_config_error"], 0.0);
}

#[test]
fn a_filter_that_cannot_be_read_is_told_in_time_and_asked_once() {
    let (origin, _home, mut agent) = served("", "");
    says(&mut agent, &origin, 200, "ok\n");
    // By then, the server no longer uses its last reading.
    thread::sleep(Duration::from_millis(1100));
    let pins = tests::origin::locked();
    let threads = |agent: &Agent| {
        fs::read_dir(format!("/proc/{}/task", agent.pid()))
            .unwrap()
            .count()
    };
    let before = threads(&agent);
    let asked = Instant::now();
    thread::scope(|scope| {
        let ask = |path: &'static str| scope.spawn(|| get(&origin, path));
        let pages: Vec<_> = (0..6).flat_map(|_| ["/metrics", "/healthz"]).map(ask).collect();
        for page in pages {
            let page = page.join().unwrap();
            assert_eq!(page.status, 503, "{page:?}");
            assert!(
                page.body.contains("another synwall command is at work"),
                "{page:?}"
            );
        }
    });
    // One attempt takes five seconds. Prometheus waits for ten, and a dozen attempts would take a minute.
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    // Two more threads: one reads the filter, and one waits for the lock.
    assert!(
        threads(&agent) <= before + 2,
        "{before} threads, now {}",
        threads(&agent)
    );
    drop(pins);
    says(&mut agent, &origin, 200, "ok\n");
}

#[test]
fn a_policy_that_was_set_by_hand_is_told() {
    let (origin, _home, mut agent) = served("", "");
    says(&mut agent, &origin, 200, "ok\n");
    origin.synwall("set --observe");
    says(
        &mut agent,
        &origin,
        503,
        "nothing is dropped: the filter observes",
    );
    tells(&mut agent, &origin, "synwall_config_enforcing", 1.0);
    tells(&mut agent, &origin, "synwall_enforcing", 0.0);
    // A new interface makes the agent check.
    origin.add_interface("other0");
    agent.told("STATUS=observe on eth0 (the configuration says enforce)");
    agent.reload();
    says(&mut agent, &origin, 200, "ok\n");
}

#[test]
fn a_configuration_that_observes_is_all_right() {
    let (origin, _home, mut agent) = served("policy = \"observe\"", "");
    says(&mut agent, &origin, 200, "ok\n");
    tells(&mut agent, &origin, "synwall_config_enforcing", 0.0);
}

#[test]
fn an_interface_that_is_elsewhere_is_not_protected_here() {
    let (origin, _home, mut agent) = served("", "");
    says(&mut agent, &origin, 200, "ok\n");
    let away = Namespace::new();
    let mut holder = away.command("sleep").arg("60").spawn().unwrap();
    let ip = format!("link set eth0 netns {}\n", holder.id());
    origin.site.origin.namespace().ip(&ip);
    holder.kill().unwrap();
    holder.wait().unwrap();
    says(&mut agent, &origin, 503, "the filter is on no interface");
}

#[test]
fn of_a_filter_of_another_version_the_agent_still_tells_how_it_fares() {
    let (origin, _home, mut agent) = served("", "");
    says(&mut agent, &origin, 200, "ok\n");
    let layout = Path::new(PINS).join("layout");
    let map = Map::Array(MapData::from_pin(&layout).unwrap());
    let mut map = Array::<_, [u8; 16]>::try_from(map).unwrap();
    let mut record = map.get(&0, 0).unwrap();
    // The version comes after eight bytes of magic.
    record[8] += 1;
    map.set(0, record, 0).unwrap();
    tells(&mut agent, &origin, "synwall_read_error", 1.0);
    let page = scrape(&origin);
    assert!(!names(&page).contains("synwall_up"), "{page}");
    agent.reload();
    tells(&mut agent, &origin, "synwall_apply_error", 1.0);
    says(&mut agent, &origin, 503, "the filter cannot be read");
    record[8] -= 1;
    map.set(0, record, 0).unwrap();
    agent.reload();
    says(&mut agent, &origin, 200, "ok\n");
    tells(&mut agent, &origin, "synwall_read_error", 0.0);
}

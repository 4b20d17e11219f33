//! The same filter is the same in `status`, in `stats` and in the metrics, whatever state its interfaces are in.

use std::collections::BTreeMap;

use serde_json::Value;
use tests::{
    lab::Namespace,
    origin::{Origin, agent::Agent},
};

use crate::metrics::page::{get, scrape, series, served};

/// A sum of a column of rows, for the rows of one interface or for all.
fn sum(rows: &Value, key: &str, interface: Option<&Value>) -> f64 {
    let rows = rows.as_array().unwrap().iter();
    rows.filter(|row| interface.is_none_or(|name| row["interface"] == *name))
        .map(|row| row[key].as_f64().unwrap())
        .sum()
}

/// A sum over the series whose names begin so.
fn sum_of_series(found: &BTreeMap<String, f64>, begins: &str) -> f64 {
    let series = found.iter().filter(|(name, _)| name.starts_with(begins));
    series.map(|(_, value)| value).sum()
}

/// What differs between the views, a line each.
fn differences(origin: &Origin) -> Vec<String> {
    let (status, stats) = (origin.json("status --json"), origin.json("stats --json"));
    let found = series(&scrape(origin));
    let mut differences = Vec::new();
    let mut same = |what: String, one: f64, other: Option<f64>| {
        if other != Some(one) {
            differences.push(format!("{what}: {one}, elsewhere {other:?}"));
        }
    };
    let enforces = f64::from(u8::from(status["policy"] == "enforce"));
    same("policy".into(), enforces, found.get("synwall_enforcing").copied());
    let level = format!("synwall_drop_level_info{{level={}}}", status["drop"]);
    same(level.clone(), 1.0, found.get(&level).copied());

    let interfaces = status["interfaces"].as_array().unwrap();
    let shown = sum_of_series(&found, "synwall_interface_info{");
    same("interfaces".into(), interfaces.len() as f64, Some(shown));
    for row in interfaces {
        let name = &row["name"];
        let info = format!(
            "synwall_interface_info{{interface={name},mode={},state={}}}",
            row["xdp"], row["state"]
        );
        same(info.clone(), 1.0, found.get(&info).copied());
        for (key, column, metric) in [
            ("dropped", "packets", "packets"),
            ("would_drop", "would_drop_packets", "would_drop_packets"),
        ] {
            let count = row[key].as_f64().unwrap();
            let reasons = sum(&stats["reasons"], column, Some(name));
            same(format!("{key} on {name} in stats"), count, Some(reasons));
            let begins = format!("synwall_{metric}_total{{interface={name},");
            let metrics = sum_of_series(&found, &begins);
            same(format!("{key} on {name} in metrics"), count, Some(metrics));
        }
        let passed = format!("synwall_passed_packets_total{{interface={name}}}");
        same(
            passed.clone(),
            row["passed"].as_f64().unwrap(),
            found.get(&passed).copied(),
        );
    }
    for (key, column) in [("dropped", "packets"), ("would_drop", "would_drop_packets")] {
        let all = status["packets"][key].as_f64().unwrap();
        same(
            format!("{key} in all"),
            all,
            Some(sum(&stats["reasons"], column, None)),
        );
    }

    let prefixes = stats["prefixes"].as_array().unwrap();
    for list in ["trust", "deny", "retire"] {
        let listed = origin.json(&format!("{list} list --json"))["prefixes"].clone();
        let of_list = prefixes.iter().filter(|row| row["action"] == list);
        same(
            format!("{list} list"),
            of_list.count() as f64,
            Some(listed.as_array().unwrap().len() as f64),
        );
        let begins = format!("synwall_prefixes{{action=\"{list}\",");
        let entries = sum_of_series(&found, &begins);
        same(
            format!("{list} in metrics"),
            listed.as_array().unwrap().len() as f64,
            Some(entries),
        );
    }
    differences
}

/// Waits until all views say the same, and that the filter is in force here or not.
#[track_caller]
fn agree(agent: &mut Agent, origin: &Origin, states: &[(&str, &str)], in_force: bool) {
    agent.until("status, stats and metrics say the same", |_| {
        let differences = differences(origin);
        differences.iter().for_each(|line| eprintln!("{line}"));
        differences.is_empty()
    });
    let status = origin.json("status --json");
    let rows = status["interfaces"].as_array().unwrap().iter();
    let found: Vec<_> = rows
        .map(|row| (row["name"].as_str().unwrap(), row["state"].as_str().unwrap()))
        .collect();
    assert_eq!(found, states);
    let code = i32::from(!in_force);
    origin.run("status").exits(code);
    let complains = get(origin, "/healthz")
        .body
        .contains("the filter is on no interface");
    assert_eq!(complains, !in_force);
}

#[test]
fn status_stats_and_metrics_say_the_same_of_every_state() {
    let (origin, _home, mut agent) = served("xdp = \"generic\"", "[deny]\nprefixes = [\"198.51.100.66\"]");
    origin.attack();
    origin.serves_the_proxy();
    agree(&mut agent, &origin, &[("eth0", "attached")], true);

    origin.synwall("set --observe --drop unestablished");
    origin.attack();
    agree(&mut agent, &origin, &[("eth0", "attached")], true);

    origin.add_interface("other0");
    origin.synwall("up other0 --confirm 1h");
    let states = [("eth0", "attached"), ("other0", "unconfirmed")];
    agree(&mut agent, &origin, &states, true);
    origin.synwall("confirm");

    // Away to a network namespace whose interfaces protect nothing here.
    let away = Namespace::new();
    let mut holder = away.command("sleep").arg("60").spawn().unwrap();
    for name in ["eth0", "other0"] {
        let ip = format!("link set {name} netns {}\n", holder.id());
        origin.site.origin.namespace().ip(&ip);
        let states = [
            ("eth0", "elsewhere"),
            ("other0", if name == "eth0" { "attached" } else { "elsewhere" }),
        ];
        agree(&mut agent, &origin, &states, name == "eth0");
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
}

//! Names: what is served, what the page about it says, and what dashboard and alerts ask for are the same.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tests::{lab::Output, origin::agent::Home};

use crate::{get, promtool, served};

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every metric of ours that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("synwall_") && word.len() > "synwall_".len())
        .map(str::to_owned)
        .collect()
}

/// A scrape of an agent that has something of everything to tell.
fn full_scrape() -> String {
    let (origin, home, mut agent) = served("");
    let with_all = |home: &Home| {
        home.write("list.txt", "10.0.0.0/8\n");
        home.write("edge.txt", "11.0.0.0/8\n");
        let text = fs::read_to_string(home.config()).unwrap();
        home.configure(
            &(text.replace("[metrics]", "files = [\"list.txt\"]\n[metrics]")
                + "[source.edge]\nfile = \"edge.txt\"\ninterval = \"1s\"\n"),
        );
    };
    agent.says_after("lists:", || with_all(&home));
    agent.until("has fetched", |_| {
        get(&origin, "/metrics").1.contains("synwall_source_last_success")
    });
    get(&origin, "/metrics").1
}

#[test]
fn promtool_has_nothing_to_say_against_a_scrape() {
    let scrape = full_scrape();
    let mut check = Command::new(promtool());
    let checked = Output::with_input(check.args(["check", "metrics"]), &scrape).ok();
    assert_eq!(
        (checked.stdout.as_str(), checked.stderr.as_str()),
        ("", ""),
        "{checked}"
    );
    // It would have.
    let broken = scrape.replace("# HELP synwall_up ", "# NOTHING ");
    let mut check = Command::new(promtool());
    let checked = Output::with_input(check.args(["check", "metrics"]), &broken);
    assert!(
        checked.code != Some(0) && checked.to_string().contains("synwall_up"),
        "{checked}"
    );
}

#[test]
fn the_page_the_dashboard_and_the_alerts_name_what_is_served_and_nothing_else() {
    let scrape = full_scrape();
    let lines = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let served: BTreeSet<String> = lines
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let page = named(&file("docs/metrics.md"));
    assert_eq!(
        served.difference(&page).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in docs/metrics.md"
    );
    for path in [
        "docs/metrics.md",
        "packaging/grafana/synwall.json",
        "packaging/prometheus/synwall.rules.yml",
    ] {
        let asked = named(&file(path));
        assert!(asked.len() > 5, "{path}");
        assert_eq!(
            asked.difference(&served).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "{path}"
        );
    }
}

#[test]
fn promtool_takes_the_alerts_and_each_fires_when_it_should() {
    for arguments in [
        ["check", "rules", "../packaging/prometheus/synwall.rules.yml"],
        ["test", "rules", "tests/metrics/rules.test.yml"],
    ] {
        let mut command = Command::new(promtool());
        command
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null());
        Output::of(&mut command).ok();
    }
    let rules = file("packaging/prometheus/synwall.rules.yml");
    let tests = file("tests/tests/metrics/rules.test.yml");
    let alerts = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(
            tests.contains(&format!("alertname: {alert}")),
            "{alert} has no test"
        );
    }
}

#[test]
fn the_dashboard_is_a_dashboard() {
    let dashboard: serde_json::Value = serde_json::from_str(&file("packaging/grafana/synwall.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 6 && dashboard["title"].is_string() && dashboard["uid"].is_string());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        assert!(
            targets.iter().all(|target| target["expr"].is_string()),
            "{}",
            panel["title"]
        );
    }
}

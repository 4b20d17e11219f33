//! The files about metrics are correct: names, kinds and labels in the documentation, alerts, dashboard queries.
//! promtool reports no problem in any of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::metrics::page::{promtool, scrape, served_with};

const DASHBOARD: &str = include_str!("../../../../packaging/grafana/synwall.json");
const RULES: &str = include_str!("../../../../packaging/prometheus/synwall.rules.yml");
const TESTS_OF_RULES: &str = include_str!("rules.test.yml");
const DOCUMENTATION: &str = include_str!("../../../../docs/metrics.md");

/// A scrape that contains every metric.
fn whole_scrape() -> String {
    let (origin, _home, mut agent) = served_with(|home| {
        home.write("disk.txt", "192.0.2.128/25\n");
        let disk = home.etc.join("disk.txt");
        let tables = format!(
            "[source.disk]\nfile = \"{}\"\nlist = \"deny\"\n[source.down]\nhttps = \"https://127.0.0.1:1/list\"\nlist = \"deny\"\n",
            disk.display()
        );
        // With `enforce`, the agent would wait for the list that never arrives.
        ("policy = \"observe\"".to_owned(), tables)
    });
    let mut page = String::new();
    agent.until("one source is fetched and the other has failed", |_| {
        page = scrape(&origin);
        page.contains("synwall_source_error{source=\"down\"} 1")
            && page.contains("synwall_source_prefixes{source=\"disk\",action=\"deny\"} 1")
    });
    page
}

/// Every metric of synwall that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("synwall_") && word.len() > "synwall_".len())
        .map(str::to_owned)
        .collect()
}

#[test]
fn promtool_has_nothing_to_say_against_a_scrape() {
    let scrape = whole_scrape();
    let checked = promtool(&["check", "metrics"], &scrape).ok();
    assert_eq!(
        (checked.stdout.as_str(), checked.stderr.as_str()),
        ("", ""),
        "{checked}"
    );
    // promtool does report a broken scrape.
    let broken = scrape.replace("# HELP synwall_up ", "# NOTHING ");
    let checked = promtool(&["check", "metrics"], &broken);
    assert!(
        checked.code != Some(0) && checked.to_string().contains("synwall_up"),
        "{checked}"
    );
}

#[test]
fn the_page_the_dashboard_and_the_alerts_name_what_is_served_and_nothing_else() {
    let scrape = whole_scrape();
    let lines = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let served: BTreeSet<String> = lines
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let page = named(DOCUMENTATION);
    assert_eq!(
        served.difference(&page).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in docs/metrics.md"
    );
    for (path, text) in [
        ("docs/metrics.md", DOCUMENTATION),
        ("packaging/grafana/synwall.json", DASHBOARD),
        ("packaging/prometheus/synwall.rules.yml", RULES),
    ] {
        let asked = named(text);
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
    let file = |path: &str| format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    let rules = file("../packaging/prometheus/synwall.rules.yml");
    promtool(&["check", "rules", &rules], "").ok();
    promtool(&["test", "rules", &file("tests/host/metrics/rules.test.yml")], "").ok();
    let alerts = RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(
            TESTS_OF_RULES.contains(&format!("alertname: {alert}")),
            "{alert} has no test"
        );
    }
}

#[test]
fn every_kind_and_label_is_documented() {
    let page = whole_scrape();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let row = DOCUMENTATION
            .lines()
            .find(|row| row.starts_with(&format!("| `{name}` |")))
            .unwrap_or_else(|| panic!("{name} has no row"));
        assert!(row.contains(&format!("| {kind} |")), "{row}");
        let series = page
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}{{")));
        let labels = series.map(|series| {
            series
                .split("=\"")
                .map(|part| part.rsplit([',', '"']).next().unwrap())
        });
        for label in labels
            .into_iter()
            .flatten()
            .filter(|label| label.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !label.is_empty())
        {
            assert!(
                row.contains(&format!("`{label}`")),
                "{name} has the label {label}: {row}"
            );
        }
    }
}

#[test]
fn every_panel_of_the_dashboard_asks_something_that_prometheus_understands() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for panel in panels {
        assert!(
            panel["description"].as_str().is_some_and(|text| !text.is_empty()),
            "{}",
            panel["title"]
        );
        for target in panel["targets"].as_array().unwrap() {
            let asked = target["expr"].as_str().unwrap();
            let asked = asked
                .replace("$__rate_interval", "1m")
                .replace("$__range", "1h")
                .replace("$instance", ".+");
            assert!(!asked.contains('$'), "{asked}");
            rules += &format!("  - record: x{}\n    expr: {}\n", rules.len(), Value::from(asked));
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules.yml");
    std::fs::write(&file, rules).unwrap();
    let output = promtool(&["check", "rules", &file.display().to_string()], "");
    assert!(
        output.stdout.contains("SUCCESS") && output.code == Some(0),
        "{output}"
    );
}

#[test]
fn every_alert_says_what_to_do_and_is_documented() {
    let alerts: Vec<&str> = RULES.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 12, "{}", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        for part in ["severity: ", "summary: ", "description: ", "for: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        let severity = alert
            .lines()
            .find_map(|line| line.trim().strip_prefix("severity: "))
            .unwrap();
        assert!(
            DOCUMENTATION.contains(&format!("| {name} | {severity} |")),
            "{name} ({severity}) has no row"
        );
    }
}

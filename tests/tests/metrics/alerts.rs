//! The alerts: that they can be read, fire when they should, and not when they should not.

use std::path::Path;

use crate::page::promtool;

const RULES: &str = include_str!("../../../packaging/prometheus/synwall.rules.yml");
const CASES: &str = include_str!("rules.test.yml");

fn path(below: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(below)
        .display()
        .to_string()
}

#[test]
fn alerts_fire_when_they_should_and_only_then() {
    promtool(
        &[
            "check",
            "rules",
            &path("../packaging/prometheus/synwall.rules.yml"),
        ],
        "",
    )
    .ok();
    promtool(&["test", "rules", &path("tests/metrics/rules.test.yml")], "").ok();
}

#[test]
fn every_alert_is_tried_and_says_what_to_do() {
    let alerts: Vec<&str> = RULES.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 12, "{}", alerts.len());
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        assert!(CASES.contains(&format!("# {name}\n")), "{name} is not tried");
        for part in ["severity: ", "summary: ", "description: ", "for: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
    }
}

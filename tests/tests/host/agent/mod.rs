//! The agent: it brings the kernel to the state in its files, keeps it there, and leaves alone what others made.
//! Needs root, nginx and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod bad_days;
mod by_hand;
mod changes;
mod interfaces;
mod restarts;
mod service;
mod sources;

use tests::{
    lab::Output,
    origin::{Origin, agent::Home},
};

/// A configuration that trusts the proxy, with additional lines.
fn config(more: &str) -> String {
    format!("interfaces = [\"eth0\"]\n{more}\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\"]\n")
}

/// A configuration that trusts the proxy, on other interfaces. Their names are in quotation marks.
fn config_on(interfaces: &str) -> String {
    config("").replace("\"eth0\"", interfaces)
}

/// Runs a command with `--save` for that configuration.
fn save(origin: &Origin, home: &Home, arguments: &str) -> Output {
    origin.run(&format!(
        "{arguments} --save --config {}",
        home.config().display()
    ))
}

/// An origin with a configuration and no filter.
fn origin_with(config: &str) -> (Origin, Home) {
    let origin = Origin::new();
    let home = Home::new(&origin);
    home.configure(config);
    (origin, home)
}

/// For each entry of a list: prefix, origin, and whether it is gone after a reboot.
fn entries(origin: &Origin, list: &str) -> Vec<(String, String, bool)> {
    let document = origin.json(&format!("{list} list --json"));
    let rows = document["prefixes"].as_array().expect("rows").iter();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    rows.map(|row| {
        (
            text(&row["prefix"]),
            text(&row["origin"]),
            row["saved"].as_bool().expect("a truth"),
        )
    })
    .collect()
}

/// The prefixes of a list that come from this place.
fn from(origin: &Origin, list: &str, place: &str) -> Vec<String> {
    let entries = entries(origin, list).into_iter();
    entries
        .filter(|(_, origin, _)| origin == place)
        .map(|(prefix, ..)| prefix)
        .collect()
}

//! The agent: it brings the kernel to what its files say, keeps it there, and leaves alone what others made. Needs root,
//! nginx and a built `synwall` (`SYNWALL_BIN`).

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

/// A configuration that trusts the proxy, with more in it.
fn config(more: &str) -> String {
    format!("interfaces = [\"eth0\"]\n{more}\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\"]\n")
}

/// The same for other interfaces: names in quotation marks.
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

/// An origin that has nothing but a configuration.
fn origin_with(config: &str) -> (Origin, Home) {
    let origin = Origin::new();
    let home = Home::new(&origin);
    home.configure(config);
    (origin, home)
}

/// Prefix and origin of every entry of a list, and whether it is gone after a reboot.
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

/// The prefixes of a list that come from `origin`.
fn from(origin: &Origin, list: &str, place: &str) -> Vec<String> {
    let entries = entries(origin, list).into_iter();
    entries
        .filter(|(_, origin, _)| origin == place)
        .map(|(prefix, ..)| prefix)
        .collect()
}

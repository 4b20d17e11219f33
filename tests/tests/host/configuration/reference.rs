//! The reference page and the shipped configuration match what the program reads.

use std::{fs, path::Path};

use filter_user::{
    config::{contents::Config, reference::markdown},
    model::settings::Policy,
};
use tests::lab::{Lab, Output};

pub fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_page_is_what_the_program_says() {
    let page = committed("docs/configuration.md");
    assert!(
        page == markdown(),
        "docs/configuration.md is another one; write it again: synwall generate DIR makes it"
    );
}

#[test]
fn the_shipped_file_observes_and_everything_that_it_comments_out_can_be_taken() {
    let shipped = committed("packaging/synwall.toml");
    let read = |text: &str| Config::from_toml(text, Path::new("/etc/synwall/synwall.toml"));
    let config = read(&shipped).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(config.policy, Policy::Observe);
    assert!(config.entries.is_empty() && config.files.is_empty() && config.feeds.is_empty());
    // A line that is commented out has no space behind the #, as words have, nor a colon, as the name of the schema has.
    let is_words = |line: &str| line.starts_with("# ") || line.starts_with("#:") || line == "#";
    let taken: Vec<String> = shipped
        .lines()
        .map(|line| match line.trim_start().strip_prefix('#') {
            Some(commented_out) if !is_words(line) => commented_out.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let config = read(&taken.join("\n")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!((config.entries.len(), config.feeds.len()), (4, 1));
    assert!(config.metrics.is_some());
}

#[test]
fn the_shipped_file_passes_the_check() {
    let lab = Lab::new();
    let file = lab.directory().join("synwall.toml");
    fs::write(&file, committed("packaging/synwall.toml")).unwrap();
    let mut command = crate::configuration::synwall();
    let checked = Output::of(command.args(["config", "check"]).arg(&file)).ok();
    assert!(checked.stdout.contains("is fine: observe"), "{checked}");
}

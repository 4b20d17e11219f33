//! The help of every verb: complete, within 100 columns, with an example.

use std::collections::BTreeSet;

use insta::assert_snapshot;

use crate::command_line::console::Console;

const VERBS: [&str; 31] = [
    "",
    "up",
    "confirm",
    "down",
    "status",
    "trust",
    "trust add",
    "trust remove",
    "trust list",
    "trust replace",
    "trust check",
    "deny",
    "deny add",
    "deny remove",
    "deny list",
    "deny replace",
    "deny check",
    "retire",
    "retire add",
    "retire remove",
    "retire list",
    "stats",
    "set",
    "run",
    "config",
    "config check",
    "config show",
    "source",
    "source list",
    "source show",
    "source refresh",
];

#[test]
fn every_verb_has_a_help_with_an_example_that_fits_on_a_screen() {
    let console = Console::new();
    for verb in VERBS {
        let arguments = format!("{verb} --help");
        let output = console.site.synwall(arguments.split_whitespace()).ok();
        assert!(output.stdout.contains("ynwall"), "{output}");
        assert!(
            output.stdout.contains("xample") || verb == "up",
            "no example\n{output}"
        );
        let wide = output.stdout.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "too wide\n{output}");
        let name = if verb.is_empty() {
            "synwall".to_owned()
        } else {
            verb.replace(' ', "_")
        };
        assert_snapshot!(name, output.stdout);
    }
}

#[test]
fn the_verbs_listed_are_the_verbs_tested() {
    let console = Console::new();
    let help_of = |verb: &str| console.site.synwall(format!("{verb} --help").split_whitespace());
    let listed: BTreeSet<String> = tests::verbs(help_of).into_iter().collect();
    let verbs = VERBS.iter().filter(|verb| !verb.is_empty());
    let tested: BTreeSet<String> = verbs.map(|verb| (*verb).to_owned()).collect();
    assert_eq!(listed, tested);
}

#[test]
fn no_arguments_at_all_shows_the_help() {
    let console = Console::new();
    let output = console.site.synwall(Vec::<&str>::new()).exits(2);
    assert!(
        output.stderr.contains("Usage: synwall") && output.stdout.is_empty(),
        "{output}"
    );
}

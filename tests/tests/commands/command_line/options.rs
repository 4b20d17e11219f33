//! Options with invalid values: ports, drop levels, labels, times, providers, file names.

use insta::assert_snapshot;

use crate::command_line::console::Console;

#[test]
fn ports_that_are_none_are_named() {
    let console = Console::up();
    let bad = [
        "0",
        "65536",
        "99999999999999999999",
        "http",
        "443-80",
        "80,,443",
        "80,",
        "-80",
        "8000-",
        "1-2-3",
        ",",
    ];
    let commands: Vec<String> = bad.iter().map(|ports| format!("set --tcp={ports}")).collect();
    let mut commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    commands.extend([
        "set --udp 70000",
        "up eth0 --tcp 0",
        "up eth0 --udp 443,x",
        "set --tcp=",
    ]);
    assert_snapshot!(console.refuses(2, &commands));
}

#[test]
fn an_unknown_drop_level_or_mode_or_table_lists_the_known_ones() {
    let console = Console::up();
    let shown = console.refuses(
        2,
        &[
            "set --drop everything",
            "up eth0 --drop none",
            "up eth0 --xdp hardware",
            "stats talkers",
        ],
    );
    for known in [
        "new, unestablished, all",
        "auto, native, generic",
        "reasons, prefixes, sources",
    ] {
        assert!(shown.contains(known), "{known} is not there:\n{shown}");
    }
    assert_snapshot!(shown);
}

#[test]
fn lengths_of_source_networks_that_are_none_are_refused() {
    let console = Console::up();
    let commands =
        ["24", "24,48,56", "33,48", "24,65", "a,b", ""].map(|text| format!("up eth0 --sources={text}"));
    assert_snapshot!(console.refuses(2, &commands.each_ref().map(String::as_str)));
}

#[test]
fn lengths_of_source_networks_stay_as_long_as_the_filter_does() {
    let console = Console::up();
    console.run("up eth0 --sources 24,48").ok();
    assert_snapshot!(console.refuses(1, &["up eth0 --sources 32,64"]));
}

#[test]
fn an_unknown_provider_lists_the_known_ones() {
    let console = Console::up();
    let shown = console.refuses(2, &["up eth0 --provider quator"]);
    assert!(shown.contains("known: qrator"), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn a_time_that_is_none_is_refused_with_examples() {
    let console = Console::up();
    assert_snapshot!(console.refuses(
        2,
        &[
            "trust add 192.0.2.0/24 --for 0s",
            "trust add 192.0.2.0/24 --for soon",
            "trust add 192.0.2.0/24 --for 20",
            "trust add 192.0.2.0/24 --for=-1s",
            "up eth0 --confirm 0s",
            "stats --watch 0s",
        ],
    ));
}

#[test]
fn months_are_refused_where_minutes_are_meant() {
    let console = Console::up();
    assert_snapshot!(console.refuses(
        2,
        &[
            "up eth1 --confirm 5M",
            "trust add 192.0.2.0/24 --for 5M",
            "trust add 192.0.2.0/24 --for 2months",
            "trust add 192.0.2.0/24 --for 1y",
            "stats --watch 1M",
        ],
    ));
}

#[test]
fn a_time_longer_than_anybody_waits_is_refused() {
    let console = Console::up();
    assert_snapshot!(console.refuses(
        2,
        &[
            "up eth1 --confirm 25h",
            "trust add 192.0.2.0/24 --for 366d",
            "deny add 192.0.2.0/24 --for 100000000000d",
            "deny add 192.0.2.0/24 --for 100000000000000000000d",
        ],
    ));
    console.run("trust add 192.0.2.0/24 --for 365d").ok();
    let list = console.run("trust list").ok().stdout;
    assert!(
        list.contains("\t365days\n") || list.contains("\t364days 23h 59m"),
        "{list}"
    );
}

#[test]
fn a_label_that_does_not_fit_is_refused() {
    let console = Console::up();
    let long = "x".repeat(32);
    let mut shown = console.refuses(
        2,
        &[
            &format!("trust add 192.0.2.0/24 --label {long}"),
            &format!("up eth0 --trust 192.0.2.0/24={long}"),
        ],
    );
    let mut escape = console
        .site
        .synwall_command(["deny", "add", "192.0.2.0/24", "--label", "a\u{1b}[31mb"]);
    shown += &console.refused(2, &mut escape).stderr;
    assert!(
        !shown.contains("\u{1b}[31mb'"),
        "a label can write to the terminal: {shown:?}"
    );
    assert_snapshot!(shown.replace('\u{1b}', "␛"));
    console
        .run(&format!("trust add 192.0.2.0/24 --label {}", "x".repeat(31)))
        .ok();
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let console = Console::up();
    assert_snapshot!(console.refuses(
        2,
        &[
            "up",
            "down",
            "down eth0 --all",
            "set",
            "set --observe --enforce",
            "trust add",
            "trust",
            "open eth0",
            "status eth0"
        ],
    ));
}

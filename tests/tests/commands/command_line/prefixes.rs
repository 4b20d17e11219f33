//! Invalid prefixes, and prefixes that the user probably did not mean.

use insta::assert_snapshot;

use crate::command_line::console::{Console, PROXY};

#[test]
fn what_is_no_prefix_is_refused_with_examples() {
    let console = Console::up();
    assert_snapshot!(console.refuses(
        2,
        &[
            "trust add office",
            "trust add 192.0.2.0/33",
            "trust add 192.0.2/24",
            "trust add 2001:db8::/129",
            "trust add 01.2.3.4",
            "trust add 192.0.2.0/24 192.0.2.0/",
            "deny add 192.0.2.0/-1",
            "retire add example.net",
            "trust remove fe80::1%eth0",
            "trust check 192.0.2.0/24",
            "up eth0 --trust 192.0.2.0/33=office",
        ],
    ));
}

#[test]
fn host_bits_are_refused_and_the_meant_prefix_is_named() {
    let console = Console::up();
    let shown = console.refuses(
        2,
        &[
            "trust add 198.51.100.7/24",
            "deny add 2001:db8::1/32",
            "retire add 203.0.113.10/31 203.0.113.11/31",
            "up eth0 --trust 198.51.100.7/24=office",
        ],
    );
    for meant in [
        "198.51.100.0/24",
        "198.51.100.7/32",
        "2001:db8::/32",
        "203.0.113.10/31",
    ] {
        assert!(shown.contains(meant), "{meant} is not named:\n{shown}");
    }
    assert_snapshot!(shown);
}

#[test]
fn ipv4_in_ipv6_clothes_is_refused_and_the_ipv4_prefix_is_named() {
    let console = Console::up();
    let shown = console.refuses(
        2,
        &[
            "trust add ::ffff:198.51.100.0/120",
            "trust add ::ffff:198.51.100.7",
        ],
    );
    assert!(
        shown.contains("198.51.100.0/24") && shown.contains("198.51.100.7/32"),
        "{shown}"
    );
    assert_snapshot!(shown);
}

#[test]
fn the_whole_internet_needs_force() {
    let console = Console::up();
    let all = console.file("everyone", "0.0.0.0/0\n::/0\n");
    assert_snapshot!(console.refuses(
        2,
        &[
            "trust add 0.0.0.0/0",
            "trust add ::/0",
            "deny add ::/0",
            &format!("trust replace {all}"),
            &format!("up eth0 --trust-file {all}"),
        ],
    ));
    console.run(&format!("trust replace {all} --force")).ok();
    let status = console.run("status --json").json();
    assert_eq!(
        (&status["trusted"]["v4"], &status["trusted"]["v6"]),
        (&1.into(), &1.into())
    );
    console.run("trust remove ::/0").ok();
    console.run("trust add ::/0 --force").ok();
    console.run("trust check 2001:db8:bad::66").ok();
}

#[test]
fn a_prefix_is_written_the_same_way_however_it_was_typed() {
    let console = Console::up();
    console
        .run("trust add 2001:0DB8:0000::0/48 192.0.2.7 2001:db8:5::1")
        .ok();
    let list = console.run("trust list --json").json();
    let prefixes: Vec<_> = list["prefixes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["prefix"].clone())
        .collect();
    assert_eq!(
        prefixes,
        [PROXY, "192.0.2.7/32", "2001:db8::/48", "2001:db8:5::1/128"]
    );
}

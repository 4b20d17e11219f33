//! The three lists: contradicting entries, missing entries, and the report after a change.

use insta::assert_snapshot;

use crate::command_line::console::{Console, PROXY};

#[test]
fn one_prefix_cannot_be_trusted_and_denied() {
    let console = Console::up();
    console.run("deny add 192.0.2.0/24").ok();
    let list = console.file("list", "185.94.108.0/24\n192.0.2.0/24\n");
    assert_snapshot!(console.refuses(
        1,
        &[
            &format!("deny add {PROXY}"),
            "trust add 198.51.100.0/24 192.0.2.0/24",
            "up eth0 --trust 192.0.2.0/24",
            &format!("trust replace {list}"),
        ],
    ));
    // Retired prefixes are destinations, so the same prefix may also be in a list of sources.
    console.run(&format!("retire add {PROXY}")).ok();
}

#[test]
fn removing_what_is_not_there_removes_nothing() {
    let console = Console::up();
    console.run("trust add 192.0.2.0/24").ok();
    assert_snapshot!(console.refuses(
        1,
        &[
            "trust remove 198.51.100.0/24",
            "trust remove 192.0.2.0/24 198.51.100.0/24",
            "trust remove 192.0.2.0/25",
            "deny remove 192.0.2.0/24",
            "retire remove 192.0.2.0/24",
        ],
    ));
    console.run("trust remove 192.0.2.0/24 192.0.2.0/24").ok();
}

#[test]
fn a_change_says_what_it_was() {
    let console = Console::up();
    let list = console.file("list", "185.94.108.0/24\n192.0.2.0/24\n2001:db8::/32\n");
    let shown: Vec<String> = [
        "trust add 198.51.100.0/24 198.51.101.0/24 --label office",
        "trust add 198.51.100.0/24 --label office",
        &format!("trust replace {list}"),
        "trust remove 192.0.2.0/24",
        "deny add 185.94.108.66 --for 20m",
        "retire add 203.0.113.9",
        "retire remove 203.0.113.9",
    ]
    .iter()
    .map(|arguments| console.run(arguments).ok().to_string())
    .collect();
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn adding_a_prefix_again_gives_it_the_new_label_and_time() {
    let console = Console::up();
    console.run("trust add 192.0.2.0/24 --label cafe --for 20m").ok();
    let row = |console: &Console| console.run("trust list --json").json()["prefixes"][1].clone();
    let temporary = row(&console);
    assert_eq!(temporary["label"], "cafe");
    assert!(
        (1190..=1200).contains(&temporary["expires_seconds"].as_u64().unwrap()),
        "{temporary}"
    );
    console.run("trust add 192.0.2.0/24 --label office").ok();
    let kept = row(&console);
    assert_eq!(
        (&kept["label"], &kept["expires_seconds"]),
        (&"office".into(), &serde_json::Value::Null)
    );
}

#[test]
fn check_names_the_prefix_that_decides() {
    let console = Console::up();
    console.run("trust add 192.0.2.0/24 --label office").ok();
    console.run("deny add 192.0.2.128/25 --label guests").ok();
    console.run("trust add 192.0.2.200 2001:db8:1::/48").ok();
    let checks = [
        ("192.0.2.7", 0),
        ("192.0.2.129", 1),
        ("192.0.2.200", 0),
        ("198.51.100.66", 1),
        ("2001:db8:1::7", 0),
        ("2001:db8:2::7", 1),
        ("::ffff:192.0.2.7", 0),
    ];
    let shown: Vec<String> = checks
        .iter()
        .map(|(address, code)| {
            console
                .run(&format!("trust check {address}"))
                .exits(*code)
                .to_string()
        })
        .collect();
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_label_cannot_turn_text_around() {
    let console = Console::up();
    let mut command = console
        .site
        .synwall_command(["trust", "add", "192.0.2.7", "--label", "a\u{202e}b"]);
    console.refused(2, &mut command);
}

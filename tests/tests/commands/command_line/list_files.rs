//! List files with mistakes: the message names file, line and text, and the list stays unchanged.

use std::{fmt::Write as _, os::unix::fs::PermissionsExt as _};

use insta::assert_snapshot;
use tests::lab::Output;

use crate::command_line::console::Console;

#[test]
fn a_bad_line_is_named_with_file_number_and_text() {
    let console = Console::up();
    let mut shown = String::new();
    for (name, content) in [
        ("word", "192.0.2.0/24\n# a comment\n\nofice 198.51.100.0/24\n"),
        ("host-bits", "192.0.2.0/24\r\n198.51.100.7/24 office\r\n"),
        ("mapped", "::ffff:192.0.2.0/120\n"),
        (
            "label",
            "192.0.2.0/24 a label that is longer than an entry has room for\n",
        ),
        ("twice", "192.0.2.0/24 office\n192.0.2.0/24 cafe\n"),
    ] {
        let file = console.file(name, content);
        shown += &console.refuses(1, &[&format!("trust replace {file}")]);
    }
    for place in [
        "word:4: ",
        "host-bits:2: ",
        "198.51.100.0/24",
        "mapped:1: ",
        "label:1: ",
        "twice:2: ",
    ] {
        assert!(shown.contains(place), "{place} is not named:\n{shown}");
    }
    assert_snapshot!(shown);
}

#[test]
fn a_long_bad_line_is_cut_to_what_a_console_shows() {
    let console = Console::up();
    let file = console.file("long", format!("{}\n", "x".repeat(5000)));
    let shown = console.refuses(1, &[&format!("trust replace {file}")]);
    assert!(
        shown.contains("long:1: ") && shown.len() < 1000,
        "{} bytes",
        shown.len()
    );
}

#[test]
fn a_list_cannot_write_to_the_terminal_of_who_reads_it() {
    let console = Console::up();
    for line in [
        "\u{1b}[2J192.0.2.0/24",
        "192.0.2.0/24\u{1b}[2J",
        "192.0.2.0/24 \u{1b}[2Joffice",
        "192.0.2.1\u{1b}[2J/24",
    ] {
        let file = console.file("escape", line);
        let output = Output::on_terminal(console.command(&format!("trust replace {file}")), 200).exits(1);
        assert!(!output.stdout.contains("\u{1b}[2J"), "{:?}", output.stdout);
    }
}

#[test]
fn every_verb_that_reads_a_list_refuses_a_bad_one() {
    let console = Console::up();
    let file = console.file("list", "192.0.2.0/24\n300.0.0.0/8\n");
    assert_snapshot!(console.refuses(
        1,
        &[
            &format!("deny replace {file}"),
            &format!("up eth0 --trust-file {file}"),
            &format!("up eth0 --trust 192.0.2.9 --trust-file {file}"),
        ],
    ));
}

#[test]
fn a_list_from_standard_input_is_named_too() {
    let console = Console::up();
    let before = console.everything();
    let output = console
        .site
        .synwall_with_input(["trust", "replace", "-"], "192.0.2.0/24\nnonsense\n")
        .exits(1);
    assert_eq!(console.everything(), before);
    assert_snapshot!(output);
}

#[test]
fn a_list_that_cannot_be_read_is_named_with_the_cause() {
    let console = Console::up();
    assert_snapshot!(console.refuses(1, &["trust replace /run/no-such-list", "trust replace /run"]));
}

#[test]
fn a_list_that_this_user_may_not_read_is_named_with_the_cause() {
    let console = Console::up();
    let file = console.file("secret", "192.0.2.0/24\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root can read every file, unless it gives up this capability.
    let command = console.command(&format!("trust replace {file}"));
    let mut setpriv = console.site.origin.command("setpriv");
    setpriv.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]);
    setpriv
        .args(["--reuid=0", "--regid=0", "--clear-groups"])
        .arg(command.get_program())
        .args(command.get_args());
    let output = console.refused(1, &mut setpriv);
    assert!(
        output.stderr.contains("Permission denied") && output.stderr.contains(&file),
        "{output}"
    );
}

#[test]
fn a_list_that_is_not_text_is_refused_with_the_line() {
    let console = Console::up();
    let file = console.file("latin1", b"192.0.2.0/24 office\n198.51.100.0/24 caf\xe9\n");
    let shown = console.refuses(1, &[&format!("trust replace {file}")]);
    assert!(shown.contains("latin1:2: "), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn comments_blank_lines_labels_and_both_ip_versions_are_understood() {
    let console = Console::up();
    let text = "# the office\r\n\r\n198.51.100.0/24\toffice of ours # since May\r\n2001:db8:1::/48 office\n192.0.2.7";
    let file = console.file("good", text);
    console.run(&format!("trust replace {file}")).ok();
    let output = console.run("trust list").ok();
    assert_eq!(
        output
            .stdout
            .lines()
            .map(|line| line.splitn(6, '\t').take(4).collect::<Vec<_>>().join("|"))
            .collect::<Vec<_>>(),
        [
            "PREFIX|ACTION|LABEL|ORIGIN",
            "192.0.2.7/32|trust|-|file:/run/laboratory/good",
            "198.51.100.0/24|trust|office of ours|file:/run/laboratory/good",
            "2001:db8:1::/48|trust|office|file:/run/laboratory/good",
        ]
    );
}

#[test]
fn a_list_with_more_prefixes_than_fit_changes_nothing() {
    let console = Console::up();
    let mut text = String::with_capacity(16 << 20);
    for number in 0..=1_u32 << 20 {
        writeln!(text, "{}", std::net::Ipv4Addr::from(0x0b00_0000 + number)).unwrap();
    }
    let file = console.file("huge", text);
    let shown = console.refuses(1, &[&format!("trust replace {file}")]);
    assert!(shown.contains("1048577") && shown.contains("1048576"), "{shown}");
    assert_snapshot!(shown);
}

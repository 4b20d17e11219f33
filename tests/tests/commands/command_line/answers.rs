//! Exit codes and messages of commands that find nothing, or whose reader has gone.

use std::{fs::File, io::pipe};

use insta::assert_snapshot;
use tests::lab::Output;

use crate::command_line::console::Console;

#[test]
fn every_verb_says_so_when_nothing_is_up() {
    let console = Console::new();
    let shown = console.refuses(
        1,
        &[
            "status",
            "status --json",
            "trust list --json",
            "trust add 192.0.2.0/24",
            "trust remove 192.0.2.0/24",
            "trust check 192.0.2.0",
            "trust replace -",
            "deny list",
            "retire list",
            "stats",
            "stats --json",
            "set --observe",
            "confirm",
            "down eth0",
        ],
    );
    assert_eq!(
        shown
            .matches(
                "error: synwall is not up: nothing is pinned in /sys/fs/bpf/synwall; start with: synwall up"
            )
            .count(),
        14,
        "{shown}"
    );
}

#[test]
fn down_of_an_interface_that_is_not_up_says_where_it_is_up() {
    let console = Console::up();
    assert_snapshot!(console.refuses(1, &["down lo", "down eth7", "down eth0 eth7"]));
    console.run("down eth0").ok();
    assert_snapshot!("on_no_interface", console.refuses(1, &["down eth0"]));
}

#[test]
fn there_is_nothing_to_confirm_unless_up_asked_for_it() {
    let console = Console::up();
    assert_snapshot!(console.refuses(1, &["confirm"]));
}

#[test]
fn confirm_goes_with_attaching_alone() {
    let console = Console::up();
    console
        .site
        .origin
        .namespace()
        .ip("link add eth1 type veth peer name peer1\nlink set eth1 up\n");
    assert_snapshot!(console.refuses(
        2,
        &[
            "up eth0 --confirm 60s",
            "up eth1 --confirm 60s --trust 192.0.2.0/24",
            "up eth1 --confirm 60s --drop all",
            "up eth0 eth1 --confirm 60s --observe",
        ],
    ));
    console.run("up eth0 eth1 --confirm 60s").ok();
}

#[test]
fn up_again_says_that_it_was_up() {
    let console = Console::new();
    let first = console.run("up eth0 --provider qrator").ok();
    let before = console.everything();
    let second = console.run("up eth0 --provider qrator").ok();
    assert_eq!(console.everything(), before);
    assert_snapshot!(format!("{first}\n{second}"));
}

#[test]
fn the_way_down_is_confirmed() {
    let console = Console::up();
    let down = console.run("down eth0").ok();
    let status = console.run("status").exits(1);
    let all = console.run("down --all").ok();
    assert_snapshot!(format!("{down}\n{status}\n{all}"));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let console = Console::up();
    for arguments in [
        "--help",
        "status",
        "status --json",
        "trust list",
        "trust list --json",
        "stats",
        "stats --watch 10ms",
    ] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = console.command(arguments);
        // The laboratory would read its own pipe. This pipe has no reader.
        let child = command
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(command);
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr),
            (Some(0), Vec::new()),
            "{arguments}"
        );
    }
}

#[test]
fn head_ends_a_watch() {
    let console = Console::up();
    let program = console.command("stats").get_program().to_owned();
    let mut shell = console.site.origin.command("sh");
    shell
        .args([
            "-c",
            "{ \"$0\" stats --json --watch 10ms; echo $? >&2; } | head -c1",
        ])
        .arg(program);
    let output = Output::of(&mut shell).ok();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("{", "0\n"));
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let console = Console::up();
    for arguments in ["status", "trust list --json", "stats"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let child = console
            .command(arguments)
            .stdout(full)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && message.contains("No space left"),
            "{arguments}: {message}"
        );
    }
}

#[test]
fn the_version_is_the_packages() {
    let console = Console::new();
    assert_eq!(
        console.run("--version").ok().stdout,
        format!("synwall {}\n", env!("CARGO_PKG_VERSION"))
    );
}

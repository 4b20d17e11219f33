//! Interfaces that are missing, occupied by another program, without native mode, or gone again.
//!
//! Longer than 300 lines because each case is a test of its own, and all share the topic and its two helpers.

use insta::assert_snapshot;

use crate::command_line::{console::Console, foreign_program};

#[test]
fn an_unknown_interface_is_named() {
    let console = Console::new();
    let shown = console.refuses(
        1,
        &[
            "up eth7 --provider qrator",
            "up eth0 eth7 --provider qrator",
            "up sixteen-letters0 --provider qrator",
            "up a-name-that-is-much-longer-than-linux-takes --provider qrator",
        ],
    );
    assert_snapshot!(shown);
    let mut empty = console.site.synwall_command(["up", "", "--provider", "qrator"]);
    assert_snapshot!(console.refused(1, &mut empty));
}

#[test]
fn up_of_an_unknown_interface_changes_nothing_on_a_running_filter() {
    let console = Console::up();
    console.refuses(
        1,
        &[
            "up eth0 eth7",
            "up eth7 --trust 192.0.2.0/24 --drop all --tcp 22 --observe",
        ],
    );
}

#[test]
fn an_interface_with_another_xdp_program_stays_with_it() {
    for (how, mode) in [("xdpdrv", "native"), ("xdpgeneric", "generic")] {
        let console = Console::new();
        foreign_program::attach(&console, "eth0", how);
        let shown = console.refuses(
            1,
            &[
                "up eth0 --provider qrator",
                "up eth0 --provider qrator --xdp native",
                "up eth0 --provider qrator --xdp generic",
            ],
        );
        for named in [
            foreign_program::NAME,
            &format!(", {mode})"),
            &format!("ip link set dev eth0 {how} off"),
        ] {
            assert_eq!(
                shown.matches(named).count(),
                3,
                "{named} is not named in each message:\n{shown}"
            );
        }
        assert_eq!(console.xdp_programs()[1][1]["name"], foreign_program::NAME);
    }
}

#[test]
fn an_occupied_second_interface_leaves_a_running_filter_as_it_was() {
    for arguments in [
        "up eth1",
        "up eth0 eth1",
        "up eth1 --trust 192.0.2.0/24=office",
        "up eth1 --drop all",
        "up eth1 --observe --tcp 22 --udp 443",
    ] {
        let console = with_occupied_eth1();
        let visible = || {
            let mut all = console.everything();
            all["pins"].take();
            all
        };
        let before = visible();
        let output = console.run(arguments).exits(1);
        let after = visible();
        assert!(after == before, "{output}\nchanged {before:#}\nto {after:#}");
    }
}

#[test]
fn a_failed_up_does_not_even_rewrite_the_lists() {
    with_occupied_eth1().refuses(1, &["up eth1"]);
}

/// A filter that is up on `eth0`, while `eth1` has another XDP program.
fn with_occupied_eth1() -> Console {
    let console = Console::up();
    console
        .site
        .origin
        .namespace()
        .ip("link add eth1 type veth peer name peer1\nlink set eth1 up\n");
    foreign_program::attach(&console, "eth1", "xdpgeneric");
    console
}

#[test]
fn an_interface_of_another_instance_is_occupied_too() {
    let console = Console::up();
    let shown = console.refuses(1, &["up eth0 --provider qrator --pin-dir /sys/fs/bpf/second"]);
    assert!(shown.contains("'synwall"), "{shown}");
}

#[test]
fn native_mode_fails_where_the_driver_has_none() {
    let console = Console::new();
    let shown = console.refuses(1, &["up lo --provider qrator --xdp native"]);
    assert!(shown.contains("--xdp generic"), "{shown}");
    assert_snapshot!(shown);
}

#[test]
fn auto_falls_back_to_generic_with_a_warning_that_names_the_cost() {
    let console = Console::new();
    let output = console.run("up lo --provider qrator").ok();
    assert!(
        output.stderr.contains("warning: ") && output.stderr.contains("skb"),
        "{output}"
    );
    assert_snapshot!(output);
    assert_eq!(
        console.run("status --json").json()["interfaces"][0]["xdp"],
        "generic"
    );
}

#[test]
fn each_mode_is_what_was_asked_for() {
    for (arguments, mode, attached) in [
        ("up eth0 --provider qrator", "native", 1),
        ("up eth0 --provider qrator --xdp native", "native", 1),
        ("up eth0 --provider qrator --xdp generic", "generic", 2),
        ("up lo --provider qrator --xdp generic", "generic", 2),
    ] {
        let console = Console::new();
        let output = console.run(arguments).ok();
        assert!(!output.stderr.contains("warning"), "{output}");
        assert_eq!(
            console.run("status --json").json()["interfaces"][0]["xdp"],
            mode,
            "{arguments}"
        );
        let links = console.xdp_programs();
        let modes: Vec<_> = links
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|link| link[2][0]["mode"].as_u64())
            .collect();
        // The kernel's number of the mode.
        assert_eq!(modes, [attached], "{arguments}");
    }
}

#[test]
fn an_interface_that_vanished_is_reported_and_can_be_forgotten() {
    let console = Console::up();
    console.site.origin.namespace().ip("link del eth0\n");
    let status = console.run("status --json").exits(1);
    let document: serde_json::Value = serde_json::from_str(&status.stdout).expect("one document");
    assert_eq!(document["interfaces"][0]["state"], "gone");
    let status = console.run("status").exits(1);
    assert!(status.stderr.contains("eth0 is gone"), "{status}");
    // Commands that do not need the interface work.
    console.run("trust add 192.0.2.0/24").ok();
    console.run("deny add 192.0.2.1").ok();
    console.run("set --drop all").ok();
    console.run("stats").ok();
    let lost = console.run("up eth0").exits(1);
    assert!(lost.stderr.contains("there is no interface 'eth0'"), "{lost}");
    console.run("down eth0").ok();
    let status = console.run("status --json").exits(1);
    let document: serde_json::Value = serde_json::from_str(&status.stdout).expect("one document");
    assert_eq!(document["interfaces"], serde_json::json!([]));
    console.run("down --all").ok();
}

#[test]
fn status_is_good_while_another_interface_is_still_there() {
    let console = Console::up();
    console
        .site
        .origin
        .namespace()
        .ip("link add eth1 type veth peer name peer1\n");
    console.run("up eth1").ok();
    console.site.origin.namespace().ip("link del eth1\n");
    let status = console.run("status").ok();
    assert!(status.stderr.contains("eth1 is gone"), "{status}");
    console.run("down eth1").ok();
    assert_eq!(console.run("status").ok().stderr, "");
}

#[test]
fn an_interface_that_returned_is_attached_again() {
    let console = Console::up();
    for link in [
        "link add eth1 type veth peer name peer1\n",
        "link add eth1 index 77 type veth peer name peer1\n",
    ] {
        console.site.origin.namespace().ip(link);
        console.run("up eth1").ok();
        console.site.origin.namespace().ip("link del eth1\n");
        // The interface returns with another index the first time, and with the same index the second time.
        console
            .site
            .origin
            .namespace()
            .ip("link add eth1 index 77 type veth peer name peer1\n");
        let output = console.run("up eth1").ok();
        assert!(output.stderr.contains("eth1: up, "), "{output}");
        let status = console.run("status --json").json();
        let states: Vec<_> = status["interfaces"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| &row["state"])
            .collect();
        assert_eq!(states, ["attached", "attached"], "{status}");
        assert_eq!(console.filtered_interfaces(), ["eth0", "eth1"]);
        console.run("down eth1").ok();
        console.site.origin.namespace().ip("link del eth1\n");
    }
}

#[test]
fn a_program_that_somebody_took_off_is_reported_and_attached_again() {
    let console = Console::up();
    // An administrator removes the pin of the link, which also removes the link.
    let pins = std::fs::read_dir(crate::command_line::console::PINS).unwrap();
    let link = pins
        .flatten()
        .map(|entry| entry.path().join("link"))
        .find(|path| path.exists());
    std::fs::remove_file(link.expect("a link")).unwrap();
    console.run("status").exits(1);
    console.run("up eth0").ok();
    console.run("status").ok();
    assert_eq!(console.filtered_interfaces(), ["eth0"]);
}

/// Moves `eth0` of the origin to another namespace and returns that namespace.
fn move_away(console: &Console) -> tests::lab::Namespace {
    let away = tests::lab::Namespace::new();
    let holder = away.command("sleep").arg("60").spawn();
    let mut holder = holder.expect("a process in the namespace");
    let pid = holder.id().to_string();
    let mut ip = console.site.origin.command("ip");
    tests::lab::Output::of(ip.args(["link", "set", "eth0", "netns", &pid])).ok();
    holder.kill().expect("our own process");
    holder.wait().expect("our own process");
    away
}

/// The interface's row of a filter that is on no interface here.
fn status_elsewhere(console: &Console) -> serde_json::Value {
    let status = console.run("status --json").exits(1);
    let document: serde_json::Value = serde_json::from_str(&status.stdout).expect("one document");
    document["interfaces"][0].clone()
}

#[test]
fn an_interface_that_moves_to_another_namespace_stays_up_to_date() {
    let console = Console::up();
    let before = console.run("status --json").json()["interfaces"][0]["program_id"].clone();
    let away = move_away(&console);
    let row = status_elsewhere(&console);
    assert_eq!(
        (&row["state"], &row["program_id"]),
        (&"elsewhere".into(), &before)
    );
    console.run("set --drop all").ok();
    let row = status_elsewhere(&console);
    assert_ne!(row["program_id"], before, "its program was left behind");
    // It protects nothing here.
    let status = console.run("status").exits(1);
    assert!(
        status.stdout.starts_with("synwall is on no interface"),
        "{status}"
    );
    assert!(status.stdout.contains("elsewhere"), "{status}");
    // Its name does not mean it here.
    let shown = console.refuses(1, &["down eth0"]);
    assert!(shown.contains("in another network namespace"), "{shown}");
    drop(away);
}

#[test]
fn an_interface_whose_namespace_is_gone_is_gone() {
    let console = Console::up();
    drop(move_away(&console));
    // The kernel removes a namespace some time after its last reference is gone.
    for _ in 0..100 {
        if console.run("status --json").stdout.contains("\"gone\"") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let output = console.run("status").exits(1);
    assert!(output.stdout.contains("on no interface"), "{output}");
    console.run("down eth0").ok();
}

#[test]
fn an_explicit_mode_is_not_quietly_another_one() {
    let console = Console::new();
    console.run("up eth0 --provider qrator --xdp generic").ok();
    let shown = console.refuses(1, &["up eth0 --xdp native"]);
    assert!(shown.contains("synwall down eth0"), "{shown}");
    for same in ["up eth0", "up eth0 --xdp auto", "up eth0 --xdp generic"] {
        console.run(same).ok();
    }
}

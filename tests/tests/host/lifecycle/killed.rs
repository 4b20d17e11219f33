//! SIGKILL at any time of a command on a running filter. The filter keeps the old lists and settings, or has the new
//! ones. The next command works.

use std::{fmt::Write as _, net::Ipv4Addr};

use tests::origin::{Origin, UP, killing};

/// How many times each command is killed, spread over its duration.
pub const TIMES: u32 = 16;

/// Kills two commands in turn, at times spread over their duration, and checks the filter after each.
fn kill_in_turn(origin: &Origin, there: &str, back: &str, check: impl Fn()) {
    let command = |arguments: &str| origin.site.synwall_command(arguments.split(' '));
    let whole = killing::duration_of(&mut command(there)).max(killing::duration_of(&mut command(back)));
    for time in 0..TIMES {
        let arguments = if time % 2 == 0 { there } else { back };
        killing::after(&mut command(arguments), whole * time / TIMES);
        origin.filters();
        check();
    }
    // The next commands work.
    origin.synwall(there);
    origin.synwall(back);
    origin.filters();
}

#[test]
fn trust_replace() {
    let origin = Origin::up();
    let lists = [0_u32, 1].map(|which| {
        let mut list: Vec<String> = (0..1500)
            .map(|number| {
                format!(
                    "{}/24",
                    Ipv4Addr::from(0x0b00_0000 + (which << 20) + (number << 8))
                )
            })
            .collect();
        list.push("185.94.108.0/24".to_owned());
        let mut text = String::new();
        list.iter().for_each(|prefix| writeln!(text, "{prefix}").unwrap());
        let path = origin.site.lab.directory().join(format!("list-{which}"));
        std::fs::write(&path, text).unwrap();
        (format!("trust replace {}", path.display()), list)
    });
    kill_in_turn(&origin, &lists[0].0, &lists[1].0, || {
        let now = origin.list("trust");
        assert!(
            lists.iter().any(|(_, list)| *list == now),
            "a mixture of {} prefixes",
            now.len()
        );
    });
}

#[test]
fn trust_add_and_remove() {
    let origin = Origin::up();
    kill_in_turn(
        &origin,
        "trust add 192.0.2.0/24",
        "trust remove 192.0.2.0/24",
        || {
            let now = origin.list("trust");
            assert!(
                now == ["185.94.108.0/24"] || now == ["185.94.108.0/24", "192.0.2.0/24"],
                "{now:?}"
            );
        },
    );
}

#[test]
fn deny_and_retire() {
    let origin = Origin::up();
    origin.synwall("deny add 192.0.2.0/24");
    let other = origin.site.lab.directory().join("other");
    std::fs::write(&other, "198.51.101.0/24\n").unwrap();
    let none = origin.site.lab.directory().join("none");
    std::fs::write(&none, "").unwrap();
    // With the first and the last entry, the program is replaced as well as the list.
    let (some, none) = (
        format!("deny replace {}", other.display()),
        format!("deny replace {}", none.display()),
    );
    kill_in_turn(&origin, &some, &none, || {
        let now = origin.list("deny");
        assert!(now.is_empty() || now == ["198.51.101.0/24"], "{now:?}");
        assert_eq!(origin.list("trust"), ["185.94.108.0/24"]);
    });
}

#[test]
fn set() {
    let origin = Origin::up();
    kill_in_turn(
        &origin,
        "set --drop all --udp 443",
        "set --drop unestablished --udp none",
        || {
            let status = origin.json("status --json");
            let now = (
                status["drop"].as_str().unwrap(),
                status["udp"].as_array().unwrap().len(),
            );
            assert!(
                now == ("all", 1) || now == ("unestablished", 0),
                "a mixture: {now:?}"
            );
            // If the command was killed between the settings and the program, `status` says so. The next command
            // completes it.
            let state = &status["interfaces"][0]["state"];
            assert!(state == "attached" || state == "outdated", "{status}");
            origin.synwall("up eth0");
            assert_eq!(origin.interface("eth0")["state"], "attached");
        },
    );
}

#[test]
fn a_second_interface_up_and_down() {
    let origin = Origin::up();
    origin.add_interface("eth1");
    kill_in_turn(&origin, "up eth1", "down eth1", || {
        let status = origin.synwall("status --json").json();
        let rows = status["interfaces"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["state"] == "attached"), "{status}");
        assert!(rows.len() == 1 || rows[1]["name"] == "eth1", "{status}");
        // From either state, the next commands work.
        origin.synwall("up eth1");
        if rows.len() == 1 {
            origin.synwall("down eth1");
        }
    });
}

#[test]
fn down() {
    let origin = Origin::up();
    for (which, times) in [("down eth0", TIMES / 2), ("down --all", TIMES)] {
        let command = || origin.site.synwall_command(which.split(' '));
        let whole = killing::duration_of(&mut command());
        for time in 0..times {
            origin.synwall(UP);
            killing::after(&mut command(), whole * time / times);
            // The filter is on or off, never in between: an interface that is up filters.
            let status = origin.run("status");
            if status.code == Some(0) {
                origin.filters();
            } else {
                origin.serves_everybody();
            }
            origin.synwall(UP);
            origin.filters();
        }
    }
}

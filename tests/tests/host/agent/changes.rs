//! A change on disk reaches the kernel by the smallest step, and nothing else changes.

use std::fs;

use tests::origin::agent::Agent;

use crate::agent::{config, config_on, entries, from, origin_with};

#[test]
fn the_configuration_is_in_force_when_the_agent_is_ready() {
    let (origin, home) = origin_with(&config(
        "drop = \"unestablished\"\ntcp = \"80,443,8443\"\nudp = \"443\"",
    ));
    let agent = Agent::start(&origin, &home);
    origin.filters();
    let status = origin.json("status --json");
    assert_eq!(status["policy"], "enforce");
    assert_eq!(status["drop"], "unestablished");
    assert_eq!(status["tcp"], serde_json::json!([80, 443, 8443]));
    assert_eq!(status["udp"], serde_json::json!([443]));
    assert_eq!(
        entries(&origin, "trust"),
        [("185.94.108.0/24".to_owned(), "config".to_owned(), true)]
    );
    drop(agent);
    origin.filters();
}

#[test]
fn a_changed_configuration_takes_effect_without_being_asked_for() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("settings:", || {
        home.configure(&config("drop = \"all\"\npolicy = \"observe\""));
    });
    let status = origin.json("status --json");
    assert_eq!(
        (&status["policy"], &status["drop"]),
        (&"observe".into(), &"all".into())
    );
    origin.serves_everybody();
    let more = config("").replace("[trust]", "[deny]\nprefixes = [\"185.94.108.66\"]\n[trust]");
    agent.says_after("settings:", || {
        home.configure(&more.replace("[trust]", "[retire]\nprefixes = [\"203.0.113.9\"]\n[trust]"));
    });
    assert_eq!(from(&origin, "deny", "config"), ["185.94.108.66/32"]);
    assert_eq!(from(&origin, "retire", "config"), ["203.0.113.9/32"]);
    agent.says_after("lists:", || home.configure(&config("")));
    assert!(entries(&origin, "deny").is_empty() && entries(&origin, "retire").is_empty());
    origin.filters();
}

#[test]
fn a_list_file_takes_effect_however_it_is_written() {
    let (origin, home) = origin_with(&format!("{}files = [\"office.txt\"]\n", config("")));
    home.write("office.txt", "172.16.5.0/24 office\n");
    let mut agent = Agent::start(&origin, &home);
    let place = format!("file:{}/office.txt", home.etc.display());
    assert_eq!(from(&origin, "trust", &place), ["172.16.5.0/24"]);
    // A new file replaces the old one, as editors do.
    agent.says_after("lists:", || {
        home.write("office.txt", "172.16.5.0/24 office\n2001:db8:1::/48\n");
    });
    assert_eq!(
        from(&origin, "trust", &place),
        ["172.16.5.0/24", "2001:db8:1::/48"]
    );
    // The existing file is overwritten.
    let path = home.etc.join("office.txt");
    agent.says_after("lists:", || fs::write(&path, "172.16.5.0/25\n").unwrap());
    assert_eq!(from(&origin, "trust", &place), ["172.16.5.0/25"]);
    // A symbolic link replaces the file, as configuration management does.
    let elsewhere = home.etc.parent().unwrap().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("office.txt"), "192.0.2.0/24\n").unwrap();
    agent.says_after("lists:", || {
        std::os::unix::fs::symlink(elsewhere.join("office.txt"), home.etc.join("link")).unwrap();
        fs::rename(home.etc.join("link"), &path).unwrap();
    });
    assert_eq!(
        from(
            &origin,
            "trust",
            &format!("file:{}/office.txt", elsewhere.display())
        ),
        ["192.0.2.0/24"]
    );
    agent.says_after("lists:", || {
        fs::write(elsewhere.join("office.txt"), "192.0.2.0/25\n").unwrap();
    });
    assert_eq!(entries(&origin, "trust").len(), 2);
}

#[test]
fn what_stays_keeps_its_counters_and_one_change_is_one_step() {
    let mut lines = String::new();
    (0..300).for_each(|n| lines += &format!("10.{}.{}.0/24\n", n / 256, n % 256));
    let (origin, home) = origin_with(&format!("{}files = [\"many.txt\"]\n", config("")));
    home.write("many.txt", &lines);
    let mut agent = Agent::start(&origin, &home);
    for _ in 0..3 {
        origin.serves_the_proxy();
    }
    assert_eq!(origin.packets_on("trust", "185.94.108.0/24"), 3);
    agent.says_after("1 entries set, 0 removed", || {
        home.write("many.txt", &format!("{lines}10.99.0.0/24\n"));
    });
    agent.says_after("0 entries set, 1 removed", || home.write("many.txt", &lines));
    agent.says_after("2 entries set, 1 removed", || {
        home.write(
            "many.txt",
            &format!("{lines}10.99.0.0/24\n10.98.0.0/24\n").replace("10.0.7.0/24\n", ""),
        );
    });
    assert_eq!(origin.packets_on("trust", "185.94.108.0/24"), 3);
    // Without a change, the agent does nothing.
    let log = agent.log().len();
    agent.reload();
    assert!(!agent.log()[log..].contains("lists:"), "{}", agent.log());
}

#[test]
fn the_file_goes_before_list_files_and_deny_before_trust() {
    let more = "[deny]\nfiles = [\"bad.txt\"]\n";
    let (origin, home) = origin_with(&format!("{}files = [\"good.txt\"]\n{more}", config("")));
    home.write("good.txt", "185.94.108.0/24 other\n192.0.2.0/24\n172.16.5.0/24\n");
    home.write("bad.txt", "192.0.2.0/24\n185.94.108.7\n");
    let _agent = Agent::start(&origin, &home);
    assert_eq!(from(&origin, "trust", "config"), ["185.94.108.0/24"]);
    assert_eq!(origin.list("trust"), ["172.16.5.0/24", "185.94.108.0/24"]);
    assert_eq!(origin.list("deny"), ["185.94.108.7/32", "192.0.2.0/24"]);
}

#[test]
fn interfaces_that_are_no_longer_named_are_let_go() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\""));
    origin.add_interface("wan0");
    origin.add_interface("lan0");
    origin.synwall("up lan0 --trust 192.0.2.0/24");
    let mut agent = Agent::start(&origin, &home);
    assert_eq!(origin.interface("wan0")["state"], "attached");
    agent.says_after("wan0: the filter is off it", || home.configure(&config("")));
    let status = origin.json("status --json");
    let names: Vec<_> = status["interfaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["eth0", "lan0"], "what was put up by hand stays");
    // An interface is also released if the change happened while no agent ran.
    home.configure(&config_on("\"eth0\", \"wan?\""));
    agent.says("wan0: up");
    agent.kill();
    home.configure(&config(""));
    let _agent = Agent::start(&origin, &home);
    assert_eq!(
        origin.json("status --json")["interfaces"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

//! The agent or the machine restarts: the filter is the same as before, even if some files are missing by then.

use std::{fs, os::unix::fs::symlink, path::Path};

use tests::origin::{Origin, PINS, agent::Agent};

use crate::agent::{config, config_on, entries, origin_with};

/// Removes everything that a reboot removes.
fn reboot(origin: &Origin) {
    origin.synwall("down --all");
    assert!(!Path::new(PINS).exists());
}

#[test]
fn a_killed_agent_leaves_the_filter_and_the_next_takes_it_over() {
    let (origin, home) = origin_with(&config(""));
    let agent = Agent::start(&origin, &home);
    let program = origin.interface("eth0")["program_id"].clone();
    for _ in 0..3 {
        origin.serves_the_proxy();
    }
    agent.kill();
    origin.filters();
    let mut agent = Agent::start(&origin, &home);
    assert_eq!(
        origin.interface("eth0")["program_id"],
        program,
        "nothing was replaced"
    );
    assert_eq!(origin.packets_on("trust", "185.94.108.0/24"), 4);
    assert!(!agent.log().contains("lists:"), "{}", agent.log());
    agent.says_after("lists:", || {
        home.configure(&config("").replace("[trust]", "[deny]\nprefixes = [\"192.0.2.0/24\"]\n[trust]"));
    });
}

#[test]
fn an_interface_that_could_not_be_let_go_is_let_go_by_the_next_agent() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan0\""));
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    // Without a trusted prefix, the agent changes nothing, so it does not release the interface.
    agent.says_after("no trusted prefix", || {
        home.configure("interfaces = [\"eth0\"]\n");
    });
    agent.kill();
    let mut agent = Agent::start(&origin, &home);
    assert_eq!(origin.interface("wan0")["state"], "attached");
    agent.says_after("wan0: the filter is off it", || {
        home.configure(&config(""));
    });
    origin.filters();
}

#[test]
fn after_a_reboot_the_filter_is_back_and_what_was_made_by_hand_is_not() {
    let (origin, home) = origin_with(&config(""));
    let agent = Agent::start(&origin, &home);
    origin.synwall("trust add 172.16.5.0/24");
    agent.stop();
    reboot(&origin);
    let _agent = Agent::start(&origin, &home);
    origin.filters();
    assert_eq!(origin.list("trust"), ["185.94.108.0/24"]);
}

#[test]
fn after_a_reboot_a_broken_configuration_is_no_open_door() {
    for broken in ["interfaces = [\"eth0\"]\npolicy = \"enforced\"\n", "", "\0\0\0"] {
        let (origin, home) = origin_with(&config(""));
        Agent::start(&origin, &home).stop();
        reboot(&origin);
        home.configure(broken);
        let mut agent = Agent::start(&origin, &home);
        agent.says("the last good configuration is in force");
        origin.filters();
        agent.says_after("settings:", || home.configure(&config("drop = \"all\"")));
        assert_eq!(origin.json("status --json")["drop"], "all");
    }
}

#[test]
fn a_configuration_that_could_not_be_put_in_force_is_no_last_good_one() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("no trusted prefix", || {
        home.configure("interfaces = [\"eth0\"]\n");
    });
    agent.stop();
    reboot(&origin);
    home.configure("interfaces = 1\n");
    let mut agent = Agent::start(&origin, &home);
    agent.says("the last good configuration is in force");
    origin.filters();
}

#[test]
fn a_saved_list_that_was_never_good_keeps_no_good_configuration_out_of_force() {
    let (origin, home) = origin_with(&config(""));
    home.write("saved/trust.list", "172.16.5.0/24\n");
    let trusted = ["172.16.5.0/24", "185.94.108.0/24"];
    Agent::start(&origin, &home).stop();
    // The lists are on a disk that is not mounted yet.
    let (saved, disk) = (home.etc.join("saved"), home.etc.join("disk"));
    fs::rename(&saved, &disk).unwrap();
    symlink(home.etc.join("nothing"), &saved).unwrap();
    reboot(&origin);
    let agent = Agent::start(&origin, &home);
    origin.filters();
    assert_eq!(origin.list("trust"), trusted);
    agent.stop();
    fs::remove_file(&saved).unwrap();
    fs::rename(&disk, &saved).unwrap();
    // A new list with a mistake. There was none of this name before.
    home.write("saved/deny.list", "nonsense\n");
    reboot(&origin);
    let mut agent = Agent::start(&origin, &home);
    agent.says("there is no copy of it either, so it is left out");
    origin.filters();
    assert_eq!(origin.list("trust"), trusted);
    agent.says_after("lists:", || home.write("saved/deny.list", "185.94.108.66\n"));
    assert_eq!(origin.list("deny"), ["185.94.108.66/32"]);
}

#[test]
fn after_a_reboot_a_list_file_that_is_gone_is_what_it_was() {
    let (origin, home) = origin_with(&format!("{}files = [\"office.txt\"]\n", config("")));
    home.write("office.txt", "172.16.5.0/24 office\n");
    Agent::start(&origin, &home).stop();
    let before = entries(&origin, "trust");
    reboot(&origin);
    fs::remove_file(home.etc.join("office.txt")).unwrap();
    let mut agent = Agent::start(&origin, &home);
    agent.says("the list of before stays in force");
    assert_eq!(entries(&origin, "trust"), before);
    agent.says_after("lists:", || home.write("office.txt", "192.0.2.0/24\n"));
    assert_eq!(origin.list("trust"), ["185.94.108.0/24", "192.0.2.0/24"]);
}

#[test]
fn a_damaged_copy_is_none() {
    let (origin, home) = origin_with(&format!("{}files = [\"office.txt\"]\n", config("")));
    home.write("office.txt", "172.16.5.0/24 office\n");
    Agent::start(&origin, &home).stop();
    reboot(&origin);
    for copy in fs::read_dir(&home.state)
        .unwrap()
        .flatten()
        .filter(|copy| copy.path().is_file())
    {
        let mut bytes = fs::read(copy.path()).unwrap();
        let last = bytes.len() - 3;
        bytes[last] ^= 1;
        fs::write(copy.path(), bytes).unwrap();
    }
    fs::remove_file(home.etc.join("office.txt")).unwrap();
    let output = Agent::fails(&origin, &home);
    assert!(output.stderr.contains("office.txt"), "{output}");
    assert_eq!(origin.run("status").code, Some(1), "nothing half-way");
    // The lists on disk are enough to start.
    home.write("office.txt", "172.16.5.0/24 office\n");
    let _agent = Agent::start(&origin, &home);
    origin.filters();
}

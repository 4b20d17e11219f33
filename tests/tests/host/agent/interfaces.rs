//! Interfaces that appear, disappear, return, or get another name.

use tests::{kernel::skipped, lab::Output, origin::agent::Agent};

use crate::agent::{config, config_on, origin_with};

#[test]
fn an_interface_is_protected_as_soon_as_it_appears() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\""));
    let mut agent = Agent::start(&origin, &home);
    agent.says("there is no interface 'wan?' (yet)");
    for name in ["wan0", "wan7"] {
        origin.add_interface(name);
        agent.until("attaches", |_| {
            origin.json("status --json").to_string().contains(name)
        });
        assert_eq!(origin.interface(name)["state"], "attached");
    }
    // The peer of the interface has another name.
    assert_eq!(
        origin.json("status --json")["interfaces"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn the_first_interface_that_appears_brings_the_filter_up() {
    let (origin, home) = origin_with(&config("").replace("eth0", "wan0"));
    let mut agent = Agent::start(&origin, &home);
    assert_eq!(origin.run("status").code, Some(1));
    origin.add_interface("wan0");
    agent.says("wan0: up");
    assert_eq!(origin.interface("wan0")["state"], "attached");
    assert_eq!(origin.list("trust"), ["185.94.108.0/24"]);
}

#[test]
fn an_interface_that_returns_is_protected_again() {
    let (origin, home) = origin_with(&config("").replace("eth0", "wan0"));
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    for _ in 0..5 {
        origin.site.origin.namespace().ip("link del wan0\n");
        agent.says_after("wan0: up", || origin.add_interface("wan0"));
        assert_eq!(origin.interface("wan0")["state"], "attached");
        assert_eq!(
            origin.json("status --json")["interfaces"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}

#[test]
fn nothing_is_left_of_interfaces_that_came_and_went_under_names_that_only_a_pattern_means() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\", \"kept0\""));
    origin.add_interface("kept0");
    origin.add_interface("hand0");
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("up hand0");
    for number in 0..5 {
        let name = format!("wan{number}");
        agent.says_after(&format!("{name}: up"), || origin.add_interface(&name));
        origin.site.origin.namespace().ip(&format!("link del {name}\n"));
    }
    let namespace = origin.site.origin.namespace();
    namespace.ip("link del kept0\nlink del hand0\n");
    agent.says_after("wan9: up", || origin.add_interface("wan9"));
    let document = origin.json("status --json");
    let rows = document["interfaces"].as_array().unwrap().iter();
    let names: Vec<_> = rows.map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["eth0", "hand0", "kept0", "wan9"], "{document}");
}

#[test]
fn one_that_returns_while_a_source_is_waited_for_is_protected_again() {
    let waiting = format!(
        "{}[source.edge]\nfile = \"edge.txt\"\n",
        config_on("\"eth0\", \"wan?\"")
    );
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\""));
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("waiting for the first list of edge", || home.configure(&waiting));
    agent.reload();
    origin.site.origin.namespace().ip("link del wan0\n");
    // The agent has seen that the interface is gone, and retries what is still pending.
    agent.reload();
    agent.says_after("wan0: up", || origin.add_interface("wan0"));
    assert_eq!(origin.interface("wan0")["state"], "attached");
    origin.filters();
}

#[test]
fn a_reload_with_a_mistake_sees_to_interfaces_that_have_just_appeared() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\""));
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("the configuration of before stays in force", || {
        home.configure("interfaces = 1\n");
    });
    origin.add_interface("wan0");
    agent.reload();
    assert_eq!(origin.interface("wan0")["state"], "attached");
}

#[test]
fn a_change_that_nobody_needs_any_more_has_not_failed() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\""));
    let mut agent = Agent::start(&origin, &home);
    let pins = tests::origin::locked();
    agent.says_after("another synwall command is at work", || {
        origin.add_interface("wan0");
    });
    origin.site.origin.namespace().ip("link del wan0\n");
    agent.told("last change failed");
    drop(pins);
    let status = agent.told("STATUS=");
    assert!(
        status.trim_end().ends_with("enforce on eth0; 1 prefixes"),
        "{status}"
    );
}

#[test]
fn where_the_filter_can_be_on_no_interface_nothing_is_said_to_have_been_done() {
    let (origin, home) = origin_with(&config("xdp = \"native\"").replace("eth0", "lo"));
    let mut agent = Agent::start(&origin, &home);
    agent.says("lo: lo cannot run XDP natively");
    agent.reload();
    assert_eq!(origin.run("status").code, Some(1));
    assert!(!agent.log().contains("lists:"), "{}", agent.log());
}

#[test]
fn an_interface_is_not_said_to_be_protected_before_the_kernel_says_so() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan?\""));
    let mut agent = Agent::start(&origin, &home);
    let pins = tests::origin::locked();
    agent.drain();
    agent.says_after("another synwall command is at work", || {
        origin.add_interface("wan0");
    });
    let status = agent.told("STATUS=");
    assert!(status.contains("enforce on eth0;"), "{status}");
    drop(pins);
    agent.told("enforce on eth0, wan0;");
}

#[test]
fn an_interface_that_gets_a_name_that_is_meant_is_protected() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan0\""));
    origin.add_interface("tmp0");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("wan0: up", || {
        origin
            .site
            .origin
            .namespace()
            .ip("link set tmp0 down\nlink set tmp0 name wan0\nlink set wan0 up\n");
    });
    assert_eq!(origin.interface("wan0")["state"], "attached");
}

#[test]
fn one_that_cannot_have_the_filter_is_no_reason_for_the_others_to_go_without() {
    let (origin, home) = origin_with(&config("xdp = \"native\"").replace("[\"eth0\"]", "[\"lo\", \"eth0\"]"));
    let mut agent = Agent::start(&origin, &home);
    origin.filters();
    agent.says("lo: lo cannot run XDP natively");
    agent.says("lo is not protected");
    agent.says_after("lo: up, generic XDP", || {
        home.configure(&config_on("\"lo\", \"eth0\""));
    });
    assert_eq!(origin.interface("lo")["xdp"], "generic");
}

#[test]
fn one_that_has_the_filter_in_another_mode_is_named_and_never_without_it() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    assert_eq!(origin.interface("eth0")["xdp"], "native");
    let way_out = "synwall down eth0, then a reload";
    agent.says_after(way_out, || home.configure(&config("xdp = \"generic\"")));
    agent.reload();
    assert_eq!(agent.log().matches(way_out).count(), 2, "{}", agent.log());
    origin.filters();
    origin.synwall("down eth0");
    agent.reload();
    agent.says("eth0: up, generic XDP");
    assert_eq!(origin.interface("eth0")["xdp"], "generic");
}

#[test]
fn the_members_of_a_bond_are_protected_and_those_who_join_it() {
    let (origin, home) = origin_with(&config("").replace("eth0", "bond0"));
    let mut ip = origin.site.origin.command("ip");
    let made = Output::of(ip.args(["link", "add", "bond0", "type", "bond", "mode", "active-backup"]));
    if made.code != Some(0) {
        return skipped(format_args!("no bonds ({})", made.stderr.trim()));
    }
    let join = |name: &str| {
        origin.add_interface(name);
        // A bond accepts only interfaces that are down.
        let namespace = origin.site.origin.namespace();
        namespace.ip(&format!(
            "link set {name} down\nlink set {name} master bond0\nlink set {name} up\n"
        ));
    };
    join("wan0");
    join("wan1");
    origin.add_interface("other0");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("wan2: up", || join("wan2"));
    for name in ["wan0", "wan1", "wan2"] {
        assert_eq!(origin.interface(name)["state"], "attached");
    }
    let status = origin.json("status --json");
    assert_eq!(status["interfaces"].as_array().unwrap().len(), 3, "{status:#}");
}

#[test]
fn what_is_to_be_set_up_anew_is_when_an_interface_appears() {
    let (origin, home) = origin_with(&config("").replace("eth0", "wan0"));
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("down --all");
    origin.site.origin.namespace().ip("link del wan0\n");
    agent.reload();
    agent.says_after("wan0: up", || origin.add_interface("wan0"));
    assert_eq!(origin.interface("wan0")["state"], "attached");
}

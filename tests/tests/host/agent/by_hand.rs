//! The agent leaves an operator's manual changes alone, and shows them separately.

use std::{thread, time::Duration};

use nix::sys::signal::Signal;
use tests::origin::agent::{Agent, Home};

use crate::agent::{config, config_on, entries, from, origin_with, save};

#[test]
fn entries_made_by_hand_survive_every_reload() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("trust add 172.16.5.0/24 --label office");
    origin.synwall("deny add 185.94.108.66");
    origin.synwall("retire add 203.0.113.9");
    agent.reload();
    agent.says_after("lists:", || {
        home.configure(&format!(
            "{}\n[deny]\nprefixes = [\"192.0.2.0/24\"]\n",
            config("")
        ));
    });
    assert_eq!(from(&origin, "trust", "manual"), ["172.16.5.0/24"]);
    assert_eq!(from(&origin, "deny", "manual"), ["185.94.108.66/32"]);
    assert_eq!(from(&origin, "deny", "config"), ["192.0.2.0/24"]);
    assert_eq!(from(&origin, "retire", "manual"), ["203.0.113.9/32"]);
    let runtime_only = &origin.json("status --json")["runtime_only"];
    assert_eq!(
        runtime_only,
        &serde_json::json!({"trusted": 1, "denied": 1, "retired": 1})
    );
}

#[test]
fn an_entry_made_by_hand_is_not_taken_over_unless_it_would_go_by_itself() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("trust add 172.16.5.0/24 --label by-hand");
    origin.synwall("trust add 192.0.2.0/24 --for 1h");
    let more = "prefixes = [\"172.16.5.0/24 file\", \"192.0.2.0/24\", ";
    agent.says_after("lists:", || {
        home.configure(&config("").replace("prefixes = [", more));
    });
    let saved = |prefix: &str| {
        entries(&origin, "trust")
            .into_iter()
            .find(|row| row.0 == prefix)
            .unwrap()
            .2
    };
    assert!(!saved("172.16.5.0/24") && saved("192.0.2.0/24") && saved("185.94.108.0/24"));
    agent.says_after("lists:", || home.configure(&config("")));
    assert_eq!(origin.list("trust"), ["172.16.5.0/24", "185.94.108.0/24"]);
}

#[test]
fn a_prefix_that_was_denied_by_hand_is_not_trusted_until_it_no_longer_is() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("deny add 172.16.5.0/24");
    let more = "prefixes = [\"172.16.5.0/24\", ";
    agent.says_after("which was made by hand", || {
        home.configure(&config("").replace("prefixes = [", more));
    });
    assert_eq!(origin.list("deny"), ["172.16.5.0/24"]);
    assert_eq!(origin.list("trust"), ["185.94.108.0/24"]);
    origin.synwall("deny remove 172.16.5.0/24");
    agent.reload();
    assert_eq!(origin.list("trust"), ["172.16.5.0/24", "185.94.108.0/24"]);
}

#[test]
fn settings_made_by_hand_hold_until_the_next_reload() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("set --observe");
    // A changed list alone does not make the agent enforce again.
    agent.says_after("lists:", || {
        home.configure(&config("").replace("prefixes = [", "prefixes = [\"172.16.5.0/24\", "));
    });
    origin.serves_everybody();
    agent.reload();
    origin.filters();
}

#[test]
fn what_was_taken_down_by_hand_stays_down_until_the_next_reload() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("down eth0");
    agent.says_after("lists:", || {
        home.configure(&config("").replace("prefixes = [", "prefixes = [\"172.16.5.0/24\", "));
    });
    origin.serves_everybody();
    agent.says("eth0 is not protected: the filter was taken off it");
    agent.reload();
    origin.filters();
    origin.synwall("down --all");
    agent.says_after("left alone until the next reload", || home.configure(&config("")));
    origin.serves_everybody();
    assert_eq!(origin.run("status").code, Some(1));
    agent.reload();
    origin.filters();
}

#[test]
fn commands_and_the_agent_at_once_lose_nothing_of_each_other() {
    let (origin, home) = origin_with(&format!("{}files = [\"list.txt\"]\n", config("")));
    home.write("list.txt", "");
    let mut agent = Agent::start(&origin, &home);
    for round in 0..40 {
        home.write("list.txt", &format!("10.0.{round}.0/24\n"));
        origin.synwall(&format!("trust add 10.1.{round}.0/24"));
        if round > 0 {
            origin.synwall(&format!("trust remove 10.1.{}.0/24", round - 1));
        }
        origin.filters();
    }
    let expected = ["10.0.39.0/24", "10.1.39.0/24", "185.94.108.0/24"];
    agent.until("has the last list", |_| origin.list("trust") == expected);
    assert_eq!(from(&origin, "trust", "manual"), ["10.1.39.0/24"]);
    assert!(!agent.log().contains("error"), "{}", agent.log());
}

#[test]
fn what_was_taken_off_by_hand_stays_off_while_something_else_fails() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    // Without a trusted prefix, the agent cannot apply the lists, and retries again and again.
    agent.says_after("no trusted prefix", || {
        home.configure("interfaces = [\"eth0\"]\n");
    });
    agent.reload();
    origin.synwall("down eth0");
    home.write("whatever", "");
    thread::sleep(Duration::from_secs(4));
    origin.serves_everybody();
}

#[test]
fn a_filter_that_was_set_up_again_by_hand_gets_the_lists() {
    let (origin, home) = origin_with(&format!("{}files = [\"list.txt\"]\n", config("")));
    home.write("list.txt", "10.0.0.0/24\n");
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("down --all");
    agent.says_after("left alone until the next reload", || {
        home.write("list.txt", "10.0.1.0/24\n");
    });
    origin.synwall("up eth0 --trust 172.16.5.0/24 --observe");
    agent.until("has the list", |_| {
        origin.list("trust") == ["10.0.1.0/24", "172.16.5.0/24", "185.94.108.0/24"]
    });
    // The operator who set up the filter chose its settings.
    origin.serves_everybody();
    agent.says_after("lists:", || home.write("list.txt", "10.0.2.0/24\n"));
}

#[test]
fn it_does_so_whether_or_not_the_agent_saw_that_there_was_none_and_though_no_list_changed() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    let both = ["172.16.5.0/24", "185.94.108.0/24"];
    for round in 0..2 {
        let wake = |what: &str| home.write(&format!("{what}-{round}"), "");
        origin.synwall("down --all");
        if round == 0 {
            agent.says_after("left alone until the next reload", || wake("down"));
        }
        origin.synwall("up eth0 --trust 172.16.5.0/24 --observe");
        wake("up");
        agent.until("has the list", |_| origin.list("trust") == both);
        origin.serves_everybody();
        // The first agent controls the new filter, too.
        let second = Agent::fails(&origin, &home);
        assert!(second.stderr.contains("another agent"), "{second}");
    }
}

#[test]
fn a_filter_that_another_agent_took_over_is_asked_for_now_and_then() {
    let (origin, home) = origin_with(&config_on("\"eth0\", \"wan0\""));
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("down --all");
    let others = Home {
        state: home.state.with_extension("other"),
        ..home.clone()
    };
    let other = Agent::start(&origin, &others);
    home.write("whatever", "");
    agent.says("another agent");
    // Otherwise the other agent would put the filter on the interface that returns.
    other.signal(Signal::SIGSTOP);
    origin.site.origin.namespace().ip("link del wan0\n");
    origin.add_interface("wan0");
    thread::sleep(Duration::from_secs(1));
    let before = agent.cpu_ticks();
    thread::sleep(Duration::from_secs(3));
    let used = agent.cpu_ticks() - before;
    other.signal(Signal::SIGCONT);
    assert!(used < 50, "{used} of 300 ticks\n{}", agent.log());
    other.stop();
    // The other agent no longer controls the filter.
    agent.says_after("wan0: up", || {
        origin.site.origin.namespace().ip("link del wan0\n");
        origin.add_interface("wan0");
    });
}

#[test]
fn what_drops_more_waits_for_the_entries_that_came_with_it_when_a_command_saves_meanwhile() {
    let (origin, home) = origin_with(&config("policy = \"observe\""));
    save(&origin, &home, "trust add 203.0.113.0/24").ok();
    let mut agent = Agent::start(&origin, &home);
    let pins = tests::origin::locked();
    let more = "prefixes = [\"172.16.5.0/24\", ";
    home.configure(&config("").replace("prefixes = [", more));
    // The agent has now read the configuration, and waits for the lock.
    thread::sleep(Duration::from_secs(2));
    home.write("saved/trust.list", "203.0.113.0/24\n10.0.0.0/24\n");
    agent.says_after("settings: enforce", || drop(pins));
    let trusted = origin.list("trust");
    assert!(trusted.contains(&"172.16.5.0/24".to_owned()), "{trusted:?}");
    agent.until("has what was saved", |_| {
        origin.list("trust").contains(&"10.0.0.0/24".to_owned())
    });
    origin.filters();
}

#[test]
fn an_entry_of_the_agents_that_was_removed_by_hand_is_back_with_the_next_change_of_a_list_and_not_before() {
    let (origin, home) = origin_with(&format!(
        "{}files = [\"list.txt\"]\n",
        config_on("\"eth0\", \"wan?\"")
    ));
    home.write("list.txt", "10.0.0.0/24\n");
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("trust remove 185.94.108.0/24");
    agent.says_after("wan0: up", || origin.add_interface("wan0"));
    assert_eq!(origin.list("trust"), ["10.0.0.0/24"]);
    agent.says_after("lists:", || home.write("list.txt", "10.0.1.0/24\n"));
    assert_eq!(origin.list("trust"), ["10.0.1.0/24", "185.94.108.0/24"]);
}

#[test]
fn what_lasts_is_said_once() {
    let (origin, home) = origin_with(&config(""));
    let cannot = "count-sources-by cannot change";
    let mut agent = Agent::start(&origin, &home);
    origin.synwall("deny add 172.16.5.0/24");
    let more = "prefixes = [\"172.16.5.0/24\", ";
    agent.says_after("which was made by hand", || {
        home.configure(&config("count-sources-by = \"32,64\"").replace("prefixes = [", more));
    });
    agent.says(cannot);
    for round in 0..3 {
        home.write(&format!("something-{round}"), "");
        thread::sleep(Duration::from_millis(500));
    }
    let log = agent.log();
    for said in ["which was made by hand", cannot] {
        assert_eq!(log.matches(said).count(), 1, "{log}");
    }
}

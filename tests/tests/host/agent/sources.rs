//! Lists that others maintain: what is added, what is removed and when, what is refused, and what is there after a
//! reboot. Here the source is a file. The tests in `feeds` have servers.
//!
//! Longer than 300 lines because each case is a test of its own, and all share the topic and its helpers.

use std::fs;

use nix::{sys::stat::Mode, unistd::mkfifo};
use tests::{
    lab::Output,
    origin::{
        Origin,
        agent::{Agent, Home},
    },
};

use crate::agent::{config, from, origin_with};

/// A source that is fetched often, in addition to the proxy.
fn source(more: &str) -> String {
    format!(
        "{}[source.edge]\nfile = \"edge.txt\"\ninterval = \"1s\"\njitter = \"0s\"\n{more}",
        config("")
    )
}

fn networks(count: usize) -> String {
    (0..count).map(|n| format!("10.7.{n}.0/24\n")).collect()
}

/// The prefixes of the source, and whether each is about to be removed.
fn edge(origin: &Origin) -> Vec<(String, bool)> {
    let document = origin.json("trust list --json");
    let rows = document["prefixes"].as_array().unwrap().iter();
    rows.filter(|row| row["origin"] == "source:edge")
        .map(|row| {
            (
                row["prefix"].as_str().unwrap().to_owned(),
                !row["expires_seconds"].is_null(),
            )
        })
        .collect()
}

/// An origin whose agent has a list of four prefixes from the source, and trusts the proxy.
fn listed(more: &str) -> (Origin, Home, Agent) {
    let (origin, home) = origin_with(&source(more));
    home.write("edge.txt", &networks(4));
    let mut agent = Agent::start(&origin, &home);
    agent.until("has the list", |_| {
        origin.run("status").code == Some(0) && edge(&origin).len() == 4
    });
    (origin, home, agent)
}

fn command(origin: &Origin, home: &Home, verb: &str) -> Output {
    let mut command = origin.site.synwall_command(verb.split(' '));
    Output::of(
        command
            .arg("--config")
            .arg(home.config())
            .arg("--state-dir")
            .arg(&home.state),
    )
}

#[test]
fn what_comes_in_comes_at_once_and_what_goes_takes_its_time() {
    let (origin, home, mut agent) = listed("grace = \"1h\"\n");
    home.write("edge.txt", &networks(5).replace("10.7.0.0/24\n", ""));
    let leaving = ("10.7.0.0/24".to_owned(), true);
    agent.until("lets one go", |_| edge(&origin).contains(&leaving));
    let there = edge(&origin);
    assert_eq!(
        (there.len(), there.iter().filter(|(_, goes)| *goes).count()),
        (5, 1),
        "{there:?}"
    );
    // A prefix that is about to be removed is still trusted, even after a restart of the agent.
    assert_eq!(origin.run("trust check 10.7.0.1").code, Some(0));
    agent.kill();
    let mut agent = Agent::start(&origin, &home);
    assert!(edge(&origin).contains(&leaving));
    // The prefix may return.
    home.write("edge.txt", &networks(5));
    agent.until("keeps it", |_| edge(&origin).iter().all(|(_, goes)| !goes));
}

#[test]
fn what_is_gone_for_its_grace_is_gone() {
    let (origin, home, mut agent) = listed("grace = \"2s\"\n");
    home.write("edge.txt", &networks(3));
    agent.until("lets one go", |_| edge(&origin).len() == 3);
    assert_eq!(origin.run("trust check 10.7.3.1").code, Some(1));
}

#[test]
fn a_list_that_can_hardly_be_meant_is_not_taken_without_force() {
    let (origin, home, mut agent) = listed("grace = \"0s\"\n");
    for (list, reason) in [
        ("# nothing\n", "it is empty"),
        ("10.7.0.0/24\n", "less than half"),
        ("0.0.0.0/1\n128.0.0.0/1\n", "is wider than"),
        ("<html>\n", "what came is not a list"),
    ] {
        agent.says_after(reason, || home.write("edge.txt", list));
        assert_eq!(edge(&origin).len(), 4);
        let refused = command(&origin, &home, "source refresh edge");
        assert!(
            refused.code == Some(1) && refused.stderr.contains(reason),
            "{refused}"
        );
    }
    home.write("edge.txt", "10.7.0.0/24\n");
    let tried = command(&origin, &home, "source refresh edge --force --dry-run").ok();
    assert!(
        tried
            .stderr
            .contains("0 added, 3 gone, 1 in the list (nothing was kept)"),
        "{tried}"
    );
    assert_eq!(edge(&origin).len(), 4);
    command(&origin, &home, "source refresh edge --force").ok();
    agent.until("takes it", |_| edge(&origin).len() == 1);
    origin.filters();
}

#[test]
fn a_list_that_there_is_no_room_for_is_left_out_and_no_other_is() {
    let more =
        "list = \"deny\"\n[source.office]\nfile = \"office.txt\"\ninterval = \"1s\"\njitter = \"0s\"\n";
    let (origin, home) = origin_with(&source(more));
    home.write("office.txt", "172.16.5.0/24\n");
    let mut long = String::new();
    (0..1_000_000_u32).for_each(|n| {
        let [_, a, b, c] = n.to_be_bytes();
        long += &format!("10.{a}.{b}.{c}\n");
    });
    home.write("edge.txt", &long);
    let mut agent = Agent::start(&origin, &home);
    agent.says("it had 0 prefixes and has 1000000");
    command(&origin, &home, "source refresh edge --force").ok();
    agent.says("its 1000000 prefixes do not fit");
    agent.until("trusts the office", |_| {
        from(&origin, "trust", "source:office").len() == 1
    });
    assert!(origin.list("deny").is_empty());
    // Other changes still apply, also after a reboot.
    agent.kill();
    origin.synwall("down --all");
    let mut agent = Agent::start(&origin, &home);
    origin.filters();
    home.write("office.txt", "172.16.5.0/24\n172.16.6.0/24\n");
    agent.until("trusts more", |_| {
        from(&origin, "trust", "source:office").len() == 2
    });
    home.write("edge.txt", "10.1.0.0/16\n");
    command(&origin, &home, "source refresh edge --force").ok();
    agent.until("takes it", |_| origin.list("deny") == ["10.1.0.0/16"]);
}

#[test]
fn after_a_reboot_the_last_good_list_is_there_before_anything_is_fetched() {
    let (origin, home, agent) = listed("");
    agent.stop();
    origin.synwall("down --all");
    fs::remove_file(home.etc.join("edge.txt")).unwrap();
    let mut agent = Agent::start(&origin, &home);
    origin.filters();
    assert_eq!(edge(&origin).len(), 4);
    agent.says("edge.txt");
    assert_eq!(edge(&origin).len(), 4);
    let shown = command(&origin, &home, "source show edge").ok();
    assert_eq!(shown.stdout.lines().count(), 4, "{shown}");
}

#[test]
fn while_a_source_has_never_had_a_list_nothing_drops() {
    let (origin, home) = origin_with(&source(""));
    let mut agent = Agent::start(&origin, &home);
    agent.says("waiting for the first list of edge");
    assert_eq!(origin.run("status").code, Some(1));
    origin.serves_everybody();
    home.write("edge.txt", &networks(2));
    agent.until("is up", |_| origin.run("status").code == Some(0));
    origin.filters();
    assert_eq!(edge(&origin).len(), 2);
}

#[test]
fn the_state_may_be_lost_and_the_kernel_still_knows() {
    let (origin, home, agent) = listed("grace = \"0s\"\n");
    agent.stop();
    fs::remove_file(home.etc.join("edge.txt")).unwrap();
    fs::remove_dir_all(&home.state).unwrap();
    let mut agent = Agent::start(&origin, &home);
    agent.says("waiting for the first list of edge");
    agent.reload();
    assert_eq!(
        edge(&origin).len(),
        4,
        "what the list had is not known, so nobody is let go"
    );
    origin.filters();
}

#[test]
fn a_damaged_copy_is_named_and_fetched_anew() {
    let (origin, home) = origin_with(&source(""));
    home.write("edge.txt", &networks(4));
    command(&origin, &home, "source refresh edge").ok();
    let copy = home.state.join("sources/edge.list");
    let good = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, good.replace("10.7.3.0/24", "10.8.3.0/24")).unwrap();
    let damaged = "its checksum is another one";
    let list = command(&origin, &home, "source list").ok();
    assert!(
        list.stdout.contains("none yet") && list.stderr.contains(damaged),
        "{list}"
    );
    let show = command(&origin, &home, "source show edge").exits(1);
    assert!(show.stderr.contains(damaged), "{show}");
    assert!(show.stderr.contains("synwall source refresh edge"), "{show}");
    let refresh = command(&origin, &home, "source refresh edge").ok();
    assert!(refresh.stderr.contains("4 in the list"), "{refresh}");
    assert_eq!(
        fs::read_to_string(&copy).unwrap().lines().count(),
        good.lines().count()
    );
    let list = command(&origin, &home, "source list").ok();
    assert_eq!(list.stderr, "", "{list}");
}

#[test]
fn who_only_looks_makes_no_state_directory_and_is_told_that_there_is_none() {
    let (origin, home) = origin_with(&source(""));
    let elsewhere = home.etc.join("nowhere");
    let looked = origin.run(&format!(
        "source list --config {} --state-dir {}",
        home.config().display(),
        elsewhere.display()
    ));
    let looked = looked.ok();
    assert!(looked.stdout.contains("none yet"), "{looked}");
    assert!(looked.stderr.contains("there is no state directory"), "{looked}");
    assert!(!elsewhere.exists());
}

#[test]
fn whoever_trusts_everybody_by_force_is_told() {
    let (origin, home) = origin_with(&source(""));
    home.write("edge.txt", "0.0.0.0/0\n");
    let refused = command(&origin, &home, "source refresh edge").exits(1);
    assert!(refused.stderr.contains("0.0.0.0/0"), "{refused}");
    let forced = command(&origin, &home, "source refresh edge --force").ok();
    let said = "0.0.0.0/0 is every address of that IP version, all in the trust list";
    assert!(forced.stderr.contains(said), "{forced}");
}

#[test]
fn a_file_that_is_no_list_to_be_read_is_refused() {
    let (origin, home) = origin_with(&source(""));
    let path = home.etc.join("edge.txt");
    let refused = |why: &str| {
        let refresh = command(&origin, &home, "source refresh edge").exits(1);
        assert!(refresh.stderr.contains(why), "{refresh}");
    };
    refused("No such file");
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    refused("it is not a regular file");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("it is not a regular file");
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "#\n".repeat((8 << 20) + 1)).unwrap();
    refused("it has more than 16 MiB");
    fs::write(&path, networks(4)).unwrap();
    command(&origin, &home, "source refresh edge").ok();
}

#[test]
fn a_clock_that_was_wrong_does_no_harm() {
    let (origin, home, agent) = listed("");
    agent.stop();
    for (before, seconds) in [(4, 0_u64), (5, 4_000_000_000), (6, 200_000_000_000)] {
        let store = filter_user::feed::store::Store::open(&home.state).unwrap();
        let config = filter_user::config::contents::Config::read(&home.config()).unwrap();
        let good = filter_user::feed::refresh::last_good(&config.feeds[0], &store).unwrap();
        let when = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        store.save(&config.feeds[0], &good.entries, when).unwrap();
        let mut agent = Agent::start(&origin, &home);
        assert_eq!(edge(&origin).len(), before);
        command(&origin, &home, "source list").ok();
        // The agent fetches the list almost at once.
        home.write("edge.txt", &networks(before + 1));
        agent.until("fetches it", |_| edge(&origin).len() == before + 1);
        agent.stop();
    }
    assert_eq!(from(&origin, "trust", "config").len(), 1);
}

#[test]
fn a_list_of_whom_to_deny_is_not_waited_for() {
    let (origin, home) = origin_with(&source("list = \"deny\"\n"));
    let mut agent = Agent::start(&origin, &home);
    origin.filters();
    agent.says("edge.txt");
    assert!(
        !agent.log().contains("waiting for the first list"),
        "{}",
        agent.log()
    );
}

#[test]
fn a_source_that_gets_another_name_is_trusted_until_its_list_is_there() {
    let (origin, home, mut agent) = listed("");
    let text = fs::read_to_string(home.config()).unwrap();
    let renamed = text
        .replace("[source.edge]", "[source.cdn]")
        .replace("edge.txt", "cdn.txt");
    agent.says_after("waiting for the first list of cdn", || home.configure(&renamed));
    agent.reload();
    assert_eq!(edge(&origin).len(), 4);
    assert_eq!(origin.run("trust check 10.7.0.1").code, Some(0));
    home.write("cdn.txt", &networks(3));
    agent.until("takes the new one", |_| {
        from(&origin, "trust", "source:cdn").len() == 3
    });
    assert_eq!(edge(&origin), []);
}

#[test]
fn prefixes_that_a_source_takes_over_from_are_trusted_until_its_list_is_there() {
    let typed = config("").replace("[\"185.94", "[\"10.7.0.0/24\", \"185.94");
    let (origin, home) = origin_with(&format!("{typed}files = [\"list.txt\"]\n"));
    home.write("list.txt", "10.7.1.0/24\n");
    let mut agent = Agent::start(&origin, &home);
    let trusted = ["10.7.0.0/24", "10.7.1.0/24", "185.94.108.0/24"];
    assert_eq!(origin.list("trust"), trusted);
    agent.says_after("waiting for the first list of edge", || {
        home.configure(&source(""));
    });
    agent.reload();
    assert_eq!(origin.list("trust"), trusted);
    home.write("edge.txt", "10.7.0.0/16\n");
    agent.until("takes it", |_| {
        origin.list("trust") == ["10.7.0.0/16", "185.94.108.0/24"]
    });
}

#[test]
fn a_source_that_comes_from_elsewhere_is_fetched_at_once() {
    let (origin, home, mut agent) = listed("");
    let text = fs::read_to_string(home.config()).unwrap();
    home.write("other.txt", &networks(5));
    let other = text
        .replace("edge.txt", "other.txt")
        .replace("interval = \"1s\"", "interval = \"1d\"");
    home.configure(&other);
    agent.until("fetches it", |_| edge(&origin).len() == 5);
}

#[test]
fn a_list_of_whom_to_trust_is_never_one_of_whom_to_deny() {
    let (origin, home, mut agent) = listed("");
    let text = fs::read_to_string(home.config()).unwrap();
    let denied = format!("{}list = \"deny\"\n", text.replace("edge.txt", "absent.txt"));
    agent.says_after("absent.txt", || home.configure(&denied));
    assert_eq!(from(&origin, "deny", "source:edge"), Vec::<String>::new());
    home.write("absent.txt", "10.8.0.0/24\n");
    agent.until("fetches it", |_| {
        from(&origin, "deny", "source:edge") == ["10.8.0.0/24"]
    });
}

#[test]
fn copies_that_are_cleared_away_are_made_again() {
    let (origin, home, mut agent) = listed("");
    let said = agent.log().len();
    fs::remove_dir_all(&home.state).unwrap();
    home.write("edge.txt", &networks(5));
    agent.until("keeps it", |_| edge(&origin).len() == 5);
    assert!(home.state.join("sources/edge.list").exists());
    // If a copy is lost while the list is in force, the agent writes it again at once. The guards compare the next
    // list with it.
    agent.says_after("its list of before, if any, stays", || {
        home.write("edge.txt", "no list\n");
    });
    let copy = home.state.join("sources/edge.list");
    let before = fs::read(&copy).unwrap();
    fs::remove_file(&copy).unwrap();
    agent.until("makes it again", |_| {
        fs::read(&copy).is_ok_and(|now| now == before)
    });
    fs::write(&copy, "damaged").unwrap();
    agent.until("mends it", |_| fs::read(&copy).is_ok_and(|now| now == before));
    let since = &agent.log()[said..];
    assert!(!since.contains("waiting for the first list"), "{since}");
}

//! Bad input, full disks and other failures: the agent reports them clearly, and the last good state stays in force.
//!
//! Longer than 300 lines because each failure is a test of its own, and all share the topic and its helpers.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use nix::{
    mount::{MsFlags, mount},
    sys::stat::Mode,
    unistd::mkfifo,
};
use tests::origin::{
    Origin,
    agent::{Agent, Home},
};

use crate::agent::{config, entries, from, origin_with, save};

#[test]
fn a_mistake_in_the_configuration_is_named_and_nothing_changes() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    let before = entries(&origin, "trust");
    let path = home.config();
    let at = |line: usize| format!("{}:{line}:", path.display());
    for (text, line, reason) in [
        (config("polcy = \"observe\""), 2, "polcy"),
        (config("policy = \"lax\""), 2, "lax"),
        (config("tcp = 80"), 2, "tcp"),
        (config("tcp = \"80,http\""), 2, "http"),
        (
            config("").replace("185.94.108.0/24", "185.94.108.1/24"),
            4,
            "185.94.108.0/24",
        ),
        (config("").replace("185.94.108.0/24", "0.0.0.0/0"), 4, "0.0.0.0/0"),
        (config("interfaces = [\"eth0\"]"), 2, "is there twice"),
    ] {
        agent.says_after("the configuration of before stays in force", || {
            home.configure(&text);
        });
        let log = agent.log();
        let said = log.lines().rev().find(|said| said.contains(&at(line)));
        assert!(said.is_some_and(|said| said.contains(reason)), "{text}\n{log}");
        assert_eq!(entries(&origin, "trust"), before);
        origin.filters();
        agent.reload();
        origin.filters();
    }
    agent.says_after("settings:", || home.configure(&config("drop = \"all\"")));
    assert_eq!(origin.json("status --json")["drop"], "all");
}

#[test]
fn a_refused_configuration_is_not_read_again_and_again() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    home.write("good.txt", "192.0.2.0/24\n");
    agent.says_after("the configuration of before stays in force", || {
        home.configure(&format!(
            "{}files = [\"good.txt\", \"missing.txt\"]\n",
            config("")
        ));
    });
    let written = || fs::metadata(&home.state).unwrap().modified().unwrap();
    agent.until("writes nothing more", |_| {
        let before = written();
        thread::sleep(Duration::from_secs(1));
        written() == before
    });
    assert_eq!(agent.log().matches("missing.txt").count(), 1, "{}", agent.log());
}

#[test]
fn what_is_saved_by_hand_stays_while_the_configuration_has_a_mistake() {
    let (origin, home) = origin_with(&format!("{}files = [\"office.txt\"]\n", config("")));
    home.write("office.txt", "192.0.2.0/24\n");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("the configuration of before stays in force", || {
        home.configure("interfaces = 1\n");
    });
    save(&origin, &home, "trust add 203.0.113.0/24").ok();
    agent.says_after("lists:", || home.write("office.txt", "192.0.2.0/25\n"));
    assert_eq!(origin.run("trust check 203.0.113.1").code, Some(0));
    origin.filters();
}

#[test]
fn a_saved_list_that_vanishes_stays_what_it_was_also_over_a_reboot_until_it_is_emptied() {
    let (origin, home) = origin_with(&config(""));
    let save = |arguments: &str| save(&origin, &home, arguments);
    let mut agent = Agent::start(&origin, &home);
    save("trust add 203.0.113.0/24").ok();
    save("deny add 185.94.108.66").ok();
    let both = |origin: &Origin| {
        let (trusted, denied) = (origin.list("trust"), origin.list("deny"));
        assert_eq!(trusted, ["185.94.108.0/24", "203.0.113.0/24"]);
        assert_eq!(denied, ["185.94.108.66/32"]);
    };
    // The agent has now read the lists and kept copies.
    agent.reload();
    agent.says_after("put an empty file there", || {
        fs::rename(home.etc.join("saved"), home.etc.join("elsewhere")).unwrap();
    });
    agent.reload();
    both(&origin);
    agent.stop();
    origin.synwall("down --all");
    let mut agent = Agent::start(&origin, &home);
    both(&origin);
    agent.says_after("lists: 0 entries set, 1 removed", || {
        home.write("saved/trust.list", "");
    });
    // An empty list may be removed.
    let before = agent.log().len();
    fs::remove_file(home.etc.join("saved/trust.list")).unwrap();
    agent.reload();
    assert!(!agent.log()[before..].contains("trust.list"), "{}", agent.log());
    assert_eq!(origin.list("deny"), ["185.94.108.66/32"]);
    save("deny remove 185.94.108.66").ok();
    agent.reload();
    assert_eq!(origin.list("deny"), Vec::<String>::new());
}

#[test]
fn a_command_that_saves_into_a_list_that_vanished_makes_it_what_it_was() {
    let (origin, home) = origin_with(&config(""));
    let save = |arguments: &str| save(&origin, &home, arguments);
    let agent = Agent::start(&origin, &home);
    save("trust add 203.0.113.0/24 198.51.100.0/25").ok();
    agent.reload();
    origin.synwall("deny add 192.0.2.0/24");
    let lose = || fs::remove_file(home.etc.join("saved/trust.list")).unwrap();
    for (arguments, code, expected) in [
        (
            "trust add 192.0.2.0/24",
            1,
            ["185.94.108.0/24", "198.51.100.0/25", "203.0.113.0/24"].as_slice(),
        ),
        (
            "trust add 172.16.5.0/24",
            0,
            &[
                "172.16.5.0/24",
                "185.94.108.0/24",
                "198.51.100.0/25",
                "203.0.113.0/24",
            ],
        ),
        (
            "trust remove 198.51.100.0/25",
            0,
            &["172.16.5.0/24", "185.94.108.0/24", "203.0.113.0/24"],
        ),
    ] {
        lose();
        agent.reload();
        let saved = save(arguments);
        assert_eq!(saved.code, Some(code), "{saved}");
        assert!(saved.stderr.contains("it is written anew"), "{saved}");
        agent.reload();
        assert_eq!(origin.list("trust"), expected);
    }
    agent.stop();
    origin.synwall("down --all");
    lose();
    let missing = save("trust remove 203.0.113.0/24");
    assert!(missing.stderr.contains("put an empty file there"), "{missing}");
}

#[test]
fn it_does_not_start_with_what_it_cannot_use_and_touches_nothing() {
    for (text, reason) in [
        ("", "interfaces"),
        (
            "interfaces = []\n[trust]\nprefixes = [\"192.0.2.0/24\"]\n",
            "interfaces",
        ),
        (
            "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"absent.txt\"]\n",
            "absent.txt",
        ),
    ] {
        let (origin, home) = origin_with(text);
        let output = Agent::fails(&origin, &home);
        assert!(output.stderr.contains(reason), "{output}");
        assert_eq!(origin.run("status").code, Some(1));
        origin.serves_everybody();
    }
    let (origin, home) = origin_with(&config(""));
    fs::remove_file(home.config()).unwrap();
    let output = Agent::fails(&origin, &home);
    assert!(output.stderr.contains("synwall.toml"), "{output}");
    home.configure(&config(""));
    fs::set_permissions(home.config(), fs::Permissions::from_mode(0o666)).unwrap();
    let output = Agent::fails(&origin, &home);
    assert!(output.stderr.contains("can be changed by"), "{output}");
    fs::remove_file(home.config()).unwrap();
    mkfifo(&home.config(), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let output = Agent::fails(&origin, &home);
    assert!(output.stderr.contains("it is not a regular file"), "{output}");
}

#[test]
fn a_list_file_that_vanishes_or_breaks_stays_what_it_was() {
    let (origin, home) = origin_with(&format!("{}files = [\"office.txt\"]\n", config("")));
    home.write("office.txt", "172.16.5.0/24 office\n");
    let mut agent = Agent::start(&origin, &home);
    let before = entries(&origin, "trust");
    let path = home.etc.join("office.txt");
    agent.says_after("the list of before stays in force", || {
        fs::remove_file(&path).unwrap();
    });
    assert_eq!(entries(&origin, "trust"), before);
    agent.says_after("office.txt:2:", || {
        home.write("office.txt", "172.16.5.0/24 office\nnonsense\n");
    });
    assert_eq!(entries(&origin, "trust"), before);
    agent.reload();
    assert_eq!(entries(&origin, "trust"), before);
    agent.says_after("office.txt: it is not a regular file", || {
        fs::remove_file(&path).unwrap();
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    });
    assert_eq!(entries(&origin, "trust"), before);
    agent.says_after("can be changed by", || {
        fs::remove_file(&path).unwrap();
        home.write("office.txt", "192.0.2.0/24\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    });
    // The agent may have read the file before others could write to it. Either result is correct.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    agent.until("reads it again", |_| {
        origin.list("trust").contains(&"192.0.2.0/24".to_owned())
    });
    origin.filters();
}

/// An origin whose list `list.txt` trusts the proxy only, and its configuration.
fn with_list(interfaces: &str) -> (Origin, Home, String) {
    let text = format!("interfaces = [{interfaces}]\n[trust]\nfiles = [\"list.txt\"]\n");
    let (origin, home) = origin_with(&text);
    home.write("list.txt", "185.94.108.0/24\n");
    (origin, home, text)
}

#[test]
fn the_last_trusted_prefix_is_not_taken_away() {
    let (origin, home, _) = with_list("\"eth0\"");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("no trusted prefix", || home.write("list.txt", "# nobody\n"));
    origin.filters();
    agent.says_after("lists:", || home.write("list.txt", "185.94.108.0/25\n"));
    assert_eq!(origin.list("trust"), ["185.94.108.0/25"]);
}

#[test]
fn an_enforcing_filter_is_not_set_up_for_nobody() {
    let (origin, home) = origin_with("interfaces = [\"eth0\"]\n");
    let mut agent = Agent::start(&origin, &home);
    agent.says("no trusted prefix");
    origin.serves_everybody();
    agent.says_after("eth0: up", || home.configure(&config("")));
    origin.filters();
}

#[test]
fn nor_does_a_running_one_begin_to_enforce_for_nobody() {
    let (origin, home) = origin_with("interfaces = [\"eth0\"]\npolicy = \"observe\"\n");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("no trusted prefix", || {
        home.configure("interfaces = [\"eth0\"]\n");
    });
    origin.serves_everybody();
    assert!(!agent.log().contains("settings: enforce"), "{}", agent.log());
    agent.says_after("settings: enforce", || home.configure(&config("")));
    origin.filters();
}

#[test]
fn a_second_agent_is_refused_and_harms_nothing() {
    let (origin, home) = origin_with(&config(""));
    let agent = Agent::start(&origin, &home);
    let other = Home {
        etc: home.etc.with_file_name("other"),
        state: home.state.with_file_name("other-state"),
    };
    fs::create_dir_all(&other.etc).unwrap();
    other.configure(&config("policy = \"observe\""));
    for (home, what) in [(&home, "keeps its copies in"), (&other, "keeps the filter in")] {
        let output = Agent::fails(&origin, home);
        let said = format!("another agent (synwall run) {what}");
        assert!(output.stderr.contains(&said), "{output}");
    }
    origin.filters();
    agent.kill();
    let _agent = Agent::start(&origin, &other);
    origin.serves_everybody();
}

#[test]
fn a_full_disk_is_said_and_the_filter_goes_by_what_it_was_told() {
    let (origin, home) = origin_with(&format!("{}files = [\"office.txt\"]\n", config("")));
    home.write("office.txt", "172.16.5.0/24\n");
    mount_disk(&home);
    fill_disk(&home);
    let mut agent = Agent::start(&origin, &home);
    agent.says("No space left on device");
    origin.filters();
    agent.says_after("lists:", || home.write("office.txt", "192.0.2.0/24\n"));
    assert_eq!(origin.list("trust"), ["185.94.108.0/24", "192.0.2.0/24"]);
}

#[test]
fn a_fetched_list_that_does_not_fit_on_the_disk_is_taken_as_soon_as_it_does() {
    let source = "[source.edge]\nfile = \"edge.txt\"\ninterval = \"1s\"\njitter = \"0s\"\ngrace = \"0s\"\n";
    let (origin, home) = origin_with(&format!("{}{source}", config("")));
    home.write("edge.txt", "10.7.0.0/24\n");
    mount_disk(&home);
    let mut agent = Agent::start(&origin, &home);
    let edge = || from(&origin, "trust", "source:edge");
    // The agent waits for the first list before it sets up the filter.
    agent.says("eth0: up");
    agent.until("fetches it", |_| edge() == ["10.7.0.0/24"]);
    let copy = home.state.join("sources/edge.list");
    let before = fs::read(&copy).unwrap();
    let filler = fill_disk(&home);
    let longer: String = (0..1000)
        .map(|n| format!("10.7.{}.{}\n", n / 250, n % 250))
        .collect();
    agent.says_after("No space left on device", || {
        home.write("edge.txt", &format!("10.7.0.0/24\n{longer}10.8.0.0/24\n"));
    });
    assert_eq!(edge(), ["10.7.0.0/24"]);
    assert_eq!(fs::read(&copy).unwrap(), before);
    origin.filters();
    // An agent that starts on a full disk uses the copy.
    agent.kill();
    origin.synwall("down --all");
    let mut agent = Agent::start(&origin, &home);
    assert_eq!(edge(), ["10.7.0.0/24"]);
    origin.filters();
    fs::remove_file(filler).unwrap();
    agent.until("takes it", |_| edge().contains(&"10.8.0.0/24".to_owned()));
}

/// Mounts a small disk for the copies that the agent keeps.
fn mount_disk(home: &Home) {
    fs::create_dir(&home.state).unwrap();
    mount(
        Some("tmpfs"),
        &home.state,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("size=64k"),
    )
    .unwrap();
}

/// Fills the disk to the last byte.
fn fill_disk(home: &Home) -> PathBuf {
    let path = home.state.join("filler");
    let mut filler = fs::File::create(&path).unwrap();
    let full = loop {
        if let Err(error) = filler.write_all(&[0; 4096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    path
}

#[test]
fn a_filter_that_somebody_locks_is_changed_when_they_let_go() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    let pins = tests::origin::locked();
    agent.says_after("another synwall command is at work", || {
        home.configure(&config("drop = \"all\""));
    });
    origin.filters();
    drop(pins);
    agent.says("settings:");
    assert_eq!(origin.json("status --json")["drop"], "all");
}

#[test]
fn after_a_reboot_a_configuration_that_was_refused_is_refused_again_and_the_one_before_is_in_force() {
    let (origin, home) = origin_with(&config(""));
    let mut agent = Agent::start(&origin, &home);
    // The configuration file itself is valid. Only a file that it names is missing.
    let other = format!("{}files = [\"absent.txt\"]\n", config("drop = \"all\""));
    agent.says_after("the configuration of before stays in force", || {
        home.configure(&other);
    });
    agent.stop();
    origin.synwall("down --all");
    let mut agent = Agent::start(&origin, &home);
    agent.says("the last good configuration is in force");
    origin.filters();
    assert_eq!(origin.json("status --json")["drop"], "new");
    // The agent takes the configuration as soon as the missing file exists.
    agent.says_after("settings:", || home.write("absent.txt", "172.16.5.0/24\n"));
    assert_eq!(origin.json("status --json")["drop"], "all");
    assert_eq!(origin.list("trust"), ["172.16.5.0/24", "185.94.108.0/24"]);
}

#[test]
fn a_list_that_cannot_be_put_in_force_keeps_the_filter_off_no_interface() {
    let (origin, home, _) = with_list("\"eth0\", \"wan0\"");
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    agent.says_after("no trusted prefix", || home.write("list.txt", "# nobody\n"));
    origin.site.origin.namespace().ip("link del wan0\n");
    agent.says_after("wan0: up", || origin.add_interface("wan0"));
    assert_eq!(origin.interface("wan0")["state"], "attached");
    origin.filters();
}

#[test]
fn a_mistake_that_is_taken_back_takes_the_filter_off_no_interface() {
    let (origin, home, text) = with_list("\"eth0\", \"wan0\"");
    home.write("empty.txt", "");
    origin.add_interface("wan0");
    let mut agent = Agent::start(&origin, &home);
    let without = text.replace(", \"wan0\"", "").replace("list.txt", "empty.txt");
    agent.says_after("no trusted prefix", || home.configure(&without));
    assert_eq!(origin.interface("wan0")["state"], "attached");
    agent.says_after("the configuration has changed", || home.configure(&text));
    agent.reload();
    assert_eq!(origin.interface("wan0")["state"], "attached");
    assert!(!agent.log().contains("wan0 is not protected"), "{}", agent.log());
    origin.filters();
}

/// Writes into the existing file in pieces with pauses, as `curl > FILE` and `scp` do. Calls `look` after each piece.
/// Returns `None` if a pause on a slow machine was too long.
fn written_slowly<T>(path: &Path, pieces: &[&str], look: impl Fn() -> T) -> Option<Vec<T>> {
    let mut file = fs::File::create(path).unwrap();
    let mut written = Instant::now();
    let mut seen = Vec::new();
    for piece in pieces {
        seen.push(look());
        thread::sleep(Duration::from_millis(400));
        // The agent waits for one second after the last write.
        if written.elapsed() > Duration::from_millis(900) {
            return None;
        }
        file.write_all(piece.as_bytes()).unwrap();
        written = Instant::now();
    }
    Some(seen)
}

#[test]
fn a_list_file_that_is_written_in_its_place_is_taken_when_it_is_whole() {
    let (origin, home) = origin_with(&format!("{}files = [\"list.txt\"]\n", config("")));
    let pieces = ["10.9.0.0/24\n", "10.9.1.0/24\n", "10.9.2.0/24\n", "10.9.3.0/24\n"];
    home.write("list.txt", &pieces.concat());
    let mut agent = Agent::start(&origin, &home);
    let before = origin.list("trust");
    let quick = (0..5).any(|_| {
        home.write("list.txt", &pieces[..3].concat());
        agent.until("has all but one", |_| {
            origin.list("trust").len() == before.len() - 1
        });
        let look = || origin.list("trust").len();
        let Some(seen) = written_slowly(&home.etc.join("list.txt"), &pieces, look) else {
            return false;
        };
        assert_eq!(seen, [before.len() - 1; 4]);
        true
    });
    assert!(quick, "this machine is too slow to tell");
    agent.until("has all", |_| origin.list("trust") == before);
}

#[test]
fn so_is_the_configuration_but_at_a_reload_it_is_taken_at_once() {
    let text = config("drop = \"all\"");
    let (origin, home) = origin_with(&text);
    let mut agent = Agent::start(&origin, &home);
    let drop = || origin.json("status --json")["drop"].as_str().unwrap().to_owned();
    let quick = (0..5).any(|_| {
        agent.until("has it", |_| drop() == "all");
        let (head, tail) = text.split_at(text.find("[trust]").unwrap());
        // If the agent read the first pieces, it would apply or refuse them.
        let pieces =
            ["", head, tail, "files = []\n"].map(|piece| piece.replace("\"all\"", "\"unestablished\""));
        let pieces = pieces.each_ref().map(String::as_str);
        let Some(seen) = written_slowly(&home.config(), &pieces, drop) else {
            home.configure(&text);
            return false;
        };
        assert_eq!(seen, ["all"; 4]);
        assert!(!agent.log().contains("stays in force"), "{}", agent.log());
        true
    });
    assert!(quick, "this machine is too slow to tell");
    agent.until("has the new one", |_| drop() == "unestablished");
    fs::write(home.config(), &text).unwrap();
    agent.reload();
    assert_eq!(drop(), "all");
}

#[test]
fn a_file_that_is_written_to_again_and_again_is_read_now_and_then() {
    let (origin, home) = origin_with(&format!("{}files = [\"list.txt\"]\n", config("")));
    home.write("list.txt", "10.9.0.0/24\n");
    let mut agent = Agent::start(&origin, &home);
    let before = origin.list("trust").len();
    let list = home.etc.join("list.txt");
    let mut number = 0;
    agent.until("has some of it", |_| {
        number += 1;
        let mut file = fs::OpenOptions::new().append(true).open(&list).unwrap();
        writeln!(file, "10.10.{}.0/24", number % 256).unwrap();
        thread::sleep(Duration::from_millis(100));
        origin.list("trust").len() > before
    });
}

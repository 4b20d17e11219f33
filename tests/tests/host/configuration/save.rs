//! `--save`: the file and the kernel change together or not at all. Parallel commands lose no change.
//!
//! Longer than 300 lines because each case is a test of its own, and all share the topic and the type `Saving`.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::PathBuf, thread};

use nix::mount::{MsFlags, mount};
use tests::{
    lab::Output,
    origin::{
        Origin,
        agent::{Agent, Home},
        killing,
    },
};

const CONFIG: &str = "interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"185.94.108.0/24 proxy\"]\n";

/// An origin and the directory of its configuration.
struct Saving {
    origin: Origin,
    home: Home,
}

impl Saving {
    /// A filter that is up, without an agent.
    fn up() -> Self {
        let saving = Self::down();
        saving.origin.synwall(tests::origin::UP);
        saving
    }

    /// An origin without a filter.
    fn down() -> Self {
        let origin = Origin::new();
        let home = Home::new(&origin);
        home.configure(CONFIG);
        Self { origin, home }
    }

    /// Runs a command with `--save` for this configuration.
    fn run(&self, arguments: &str) -> Output {
        Output::of(&mut self.command(arguments))
    }

    fn command(&self, arguments: &str) -> std::process::Command {
        let mut command = self.origin.site.synwall_command(arguments.split(' '));
        command.arg("--save").env("SYNWALL_CONFIG", self.home.config());
        command
    }

    fn list(&self, name: &str) -> PathBuf {
        self.home.etc.join("saved").join(format!("{name}.list"))
    }

    /// The lines of a saved list, without comments.
    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.list(name)).unwrap_or_default();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    }

    /// What a list shows about a prefix: its label, its origin, and whether it is saved.
    fn entry(&self, list: &str, prefix: &str) -> Option<(String, String, bool)> {
        let document = self.origin.json(&format!("{list} list --json"));
        let rows = document["prefixes"].as_array().unwrap().iter();
        let row = rows.clone().find(|row| row["prefix"] == prefix)?;
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        Some((text("label"), text("origin"), row["saved"].as_bool().unwrap()))
    }
}

#[test]
fn what_is_saved_is_in_the_file_and_in_force() {
    let saving = Saving::up();
    let added = saving
        .run("trust add 192.0.2.0/24 2001:db8::/32 --label office")
        .ok();
    assert!(
        added
            .stderr
            .contains("trust: 2 added, 0 removed, 3 in the list\n"),
        "{added}"
    );
    let list = saving.list("trust");
    assert!(
        added
            .stderr
            .contains(&format!("trust: 2 saved in {}\n", list.display())),
        "{added}"
    );
    assert_eq!(
        saving.lines("trust"),
        ["192.0.2.0/24 office", "2001:db8::/32 office"]
    );
    assert_eq!(fs::metadata(&list).unwrap().permissions().mode() & 0o777, 0o644);
    let origin = format!("file:{}", list.display());
    assert_eq!(
        saving.entry("trust", "192.0.2.0/24"),
        Some(("office".into(), origin, true))
    );
    saving.run("trust remove 192.0.2.0/24").ok();
    assert_eq!(saving.lines("trust"), ["2001:db8::/32 office"]);
    assert_eq!(saving.entry("trust", "192.0.2.0/24"), None);
    saving.run("deny add 185.94.108.66").ok();
    saving.run("retire add 203.0.113.9 --label former").ok();
    assert_eq!(saving.lines("deny"), ["185.94.108.66/32"]);
    assert_eq!(saving.lines("retire"), ["203.0.113.9/32 former"]);
    saving.run("retire remove 203.0.113.9").ok();
    assert_eq!(
        (saving.lines("retire"), saving.origin.list("retire")),
        (vec![], vec![])
    );
}

#[test]
fn the_agent_knows_what_is_saved_as_its_own() {
    let saving = Saving::down();
    let mut agent = Agent::start(&saving.origin, &saving.home);
    saving.run("trust add 192.0.2.0/24 --label office").ok();
    saving.run("deny add 192.0.2.7").ok();
    agent.reload();
    assert!(saving.entry("trust", "192.0.2.0/24").unwrap().2);
    assert!(saving.entry("deny", "192.0.2.7/32").unwrap().2);
    for round in 0..20 {
        saving.run(&format!("trust add 10.0.{round}.0/24")).ok();
        saving.run(&format!("trust remove 10.0.{round}.0/24")).ok();
    }
    saving.run("deny remove 192.0.2.7").ok();
    agent.reload();
    assert_eq!(saving.origin.list("deny"), Vec::<String>::new());
    assert_eq!(saving.origin.list("trust"), ["185.94.108.0/24", "192.0.2.0/24"]);
    // Lines that the user adds to the file by hand are applied, and removed when the lines are gone.
    fs::write(saving.list("trust"), "").unwrap();
    agent.until("the entry is gone", |_| {
        saving.entry("trust", "192.0.2.0/24").is_none()
    });
    assert!(!agent.log().contains("error"), "{}", agent.log());
}

#[test]
fn an_entry_of_the_moment_becomes_a_saved_one() {
    let saving = Saving::up();
    saving
        .origin
        .synwall("trust add 192.0.2.0/24 --label office --for 1h");
    assert!(!saving.entry("trust", "192.0.2.0/24").unwrap().2);
    let status = |saving: &Saving| saving.origin.json("status --json")["runtime_only"]["trusted"].clone();
    assert_eq!(status(&saving), 2);
    let saved = saving.run("trust add 192.0.2.0/24 --label office").ok();
    assert!(
        saved
            .stderr
            .contains("0 added, 0 removed, 1 changed, 2 in the list"),
        "{saved}"
    );
    assert!(saving.entry("trust", "192.0.2.0/24").unwrap().2);
    let rows = saving.origin.json("trust list --json");
    let row = rows["prefixes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["prefix"] == "192.0.2.0/24");
    assert!(row.unwrap()["expires_seconds"].is_null(), "{rows}");
    assert_eq!(status(&saving), 1);
}

#[test]
fn status_says_what_is_gone_after_a_reboot_once_something_stays() {
    let saving = Saving::up();
    let shown = saving.origin.synwall("status").stdout;
    assert!(
        !shown.contains("reboot"),
        "without an agent everything goes:\n{shown}"
    );
    saving.run("trust add 192.0.2.0/24").ok();
    saving.origin.synwall("deny add 192.0.2.7");
    saving.origin.synwall("deny add 192.0.2.8 --for 1ms");
    thread::sleep(std::time::Duration::from_millis(5));
    let shown = saving.origin.synwall("status").stdout;
    let line =
        "runtime   1 trusted, 1 denied are gone after a reboot (keep: synwall trust add PREFIX --save)\n";
    assert!(shown.contains(line), "{shown}");
    assert_eq!(
        saving.origin.json("status --json")["runtime_only"],
        serde_json::json!({"trusted": 1, "denied": 1, "retired": 0})
    );
}

#[test]
fn lines_of_people_stay_as_they_are() {
    let saving = Saving::up();
    let text = "\u{feff}# of the office\r\n192.0.2.0/24 old # since May\n\n  10.0.0.0/8\n192.0.2.0/24 old";
    saving.home.write("saved/trust.list", text);
    fs::set_permissions(saving.list("trust"), fs::Permissions::from_mode(0o600)).unwrap();
    saving.run("trust add 192.0.2.0/24 --label new").ok();
    saving.run("trust add 11.0.0.0/8").ok();
    assert_eq!(
        fs::read_to_string(saving.list("trust")).unwrap(),
        "\u{feff}# of the office\r\n192.0.2.0/24 new # since May\n\n  10.0.0.0/8\n192.0.2.0/24 new\n11.0.0.0/8\n"
    );
    assert_eq!(
        fs::metadata(saving.list("trust")).unwrap().permissions().mode() & 0o777,
        0o600
    );
    saving.run("trust remove 192.0.2.0/24").ok();
    assert_eq!(
        fs::read_to_string(saving.list("trust")).unwrap(),
        "\u{feff}# of the office\r\n\n  10.0.0.0/8\n11.0.0.0/8\n"
    );
}

#[test]
fn what_the_kernel_refuses_is_not_saved_either() {
    let saving = Saving::up();
    saving.origin.synwall("deny add 192.0.2.0/24");
    let refused = saving.run("trust add 10.0.0.0/8 192.0.2.0/24");
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("already a deny entry"), "{refused}");
    assert_eq!(saving.lines("trust"), Vec::<String>::new());
    assert_eq!(saving.origin.list("trust"), ["185.94.108.0/24"]);
    let text = "# mine\n10.0.0.0/8\n";
    saving.home.write("saved/trust.list", text);
    assert_eq!(saving.run("trust add 192.0.2.0/24").code, Some(1));
    assert_eq!(fs::read_to_string(saving.list("trust")).unwrap(), text);
    saving.run("trust add 10.0.0.0/8").ok();
    saving.origin.synwall("trust remove 185.94.108.0/24");
    let last = saving.run("trust remove 10.0.0.0/8");
    assert!(
        last.code != Some(0) && last.stderr.contains("no trusted prefix"),
        "{last}"
    );
    assert_eq!(fs::read_to_string(saving.list("trust")).unwrap(), text);
    assert_eq!(saving.origin.list("trust"), ["10.0.0.0/8"]);
}

#[test]
fn what_cannot_be_saved_is_refused_and_nothing_is_changed() {
    let saving = Saving::up();
    saving.run("deny add 192.0.2.0/24").ok();
    saving.origin.synwall("deny remove 192.0.2.0/24");
    for (arguments, code, why) in [
        ("trust add 10.0.0.0/8 --for 1h", 2, "cannot be used with"),
        ("trust add 0.0.0.0/0 --force", 2, "is not taken from a file"),
        ("trust add 10.0.0.0/8 --label a#b", 2, "# begins a comment"),
        ("trust add 192.0.2.0/24", 1, "is saved as a deny entry"),
        ("trust remove 10.0.0.0/8", 1, "is not a trust entry"),
        (
            "trust add 10.0.0.0/8 --config /no/such/file",
            1,
            "there is no configuration /no/such/file",
        ),
    ] {
        let output = saving.run(arguments);
        assert!(
            output.code == Some(code) && output.stderr.contains(why),
            "{output}"
        );
    }
    assert_eq!(saving.origin.list("trust"), ["185.94.108.0/24"]);
    assert!(!saving.list("trust").exists());
    // The agent would not read a list that others can write.
    fs::set_permissions(saving.home.etc.join("saved"), fs::Permissions::from_mode(0o777)).unwrap();
    let output = saving.run("trust add 10.0.0.0/8");
    assert!(
        output.code == Some(1) && output.stderr.contains("can be changed by every user"),
        "{output}"
    );
    assert!(!saving.list("trust").exists());
    fs::set_permissions(saving.home.etc.join("saved"), fs::Permissions::from_mode(0o755)).unwrap();
    saving.home.write("saved/trust.list", "10.0.0.0/8\nno prefix\n");
    let output = saving.run("trust add 11.0.0.0/8");
    assert!(
        output.code == Some(1) && output.stderr.contains("trust.list:2: 'no' is not"),
        "{output}"
    );
    let way_round = "to change it at once, until a reboot: leave out --save";
    assert!(output.stderr.contains(way_round), "{output}");
    fs::remove_file(saving.list("trust")).unwrap();
    nix::unistd::mkfifo(&saving.list("trust"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let output = saving.run("trust add 11.0.0.0/8");
    assert!(
        output.code == Some(1) && output.stderr.contains("it is not a regular file"),
        "{output}"
    );
    let output = saving.origin.run("trust add 11.0.0.0/8 --config somewhere");
    assert!(
        output.code == Some(2) && output.stderr.contains("--save"),
        "{output}"
    );
}

#[test]
fn what_would_not_be_in_force_from_the_list_is_not_saved() {
    let saving = Saving::down();
    saving.home.write("denied.txt", "198.51.100.9\n");
    saving.home.write("trusted.txt", "203.0.113.0/24\n");
    saving.home.configure(&format!(
        "{CONFIG}files = [\"trusted.txt\"]\n[deny]\nprefixes = [\"10.0.0.0/8\"]\nfiles = [\"denied.txt\"]\n"
    ));
    let refused = [
        ("deny add 185.94.108.0/24", "the trust entry in", "synwall.toml"),
        (
            "trust add 192.0.2.0/24 10.0.0.0/8",
            "the deny entry in",
            "synwall.toml",
        ),
        ("trust add 198.51.100.9", "the deny entry in", "denied.txt"),
    ];
    let agent = Agent::start(&saving.origin, &saving.home);
    let mut agent = Some(agent);
    for _ in 0..2 {
        for (arguments, stands, file) in refused {
            let output = saving.run(arguments);
            let is_named = output.stderr.contains(stands) && output.stderr.contains(file);
            assert!(output.code == Some(1) && is_named, "{output}");
            assert!(
                output.stderr.contains("goes before what --save keeps"),
                "{output}"
            );
        }
        if let Some(agent) = agent.take() {
            // The message also says who keeps the prefix in the other list.
            let output = saving.origin.run("deny add 185.94.108.0/24");
            assert!(output.stderr.contains("the agent keeps it (config)"), "{output}");
            agent.stop();
            saving.origin.synwall("down --all");
        }
    }
    for list in ["trust", "deny"] {
        assert_eq!(saving.lines(list), Vec::<String>::new());
    }
    // A deny entry comes before a trusted prefix from a list file. A retired prefix is independent of both.
    saving.run("deny add 203.0.113.0/24").ok();
    saving.run("retire add 203.0.113.0/24 185.94.108.0/24").ok();
    let agent = Agent::start(&saving.origin, &saving.home);
    assert!(saving.entry("deny", "203.0.113.0/24").is_some());
    assert!(saving.entry("retire", "185.94.108.0/24").is_some());
    assert!(saving.entry("trust", "185.94.108.0/24").is_some());
    agent.stop();
}

#[test]
fn beside_a_configuration_that_has_a_mistake_it_is_saved_and_that_is_said() {
    let saving = Saving::down();
    saving.home.configure("interfaces = 1\n");
    let added = saving.run("trust add 192.0.2.0/24").ok();
    let said = "the configuration cannot be used as it is";
    assert!(
        added.stderr.contains(said) && added.stderr.contains("synwall.toml:1:"),
        "{added}"
    );
    assert_eq!(saving.lines("trust"), ["192.0.2.0/24"]);
}

#[test]
fn what_is_named_twice_is_meant_once() {
    let saving = Saving::up();
    let added = saving.run("trust add 192.0.2.0/24 192.0.2.0/24").ok();
    assert!(added.stderr.contains("1 saved in"), "{added}");
    let removed = saving.run("trust remove 192.0.2.0/24 192.0.2.0/24").ok();
    assert!(removed.stderr.contains("1 taken out of"), "{removed}");
    saving.origin.synwall("trust add 192.0.2.0/24");
    saving.origin.synwall("trust remove 192.0.2.0/24 192.0.2.0/24");
    assert_eq!(saving.origin.list("trust"), ["185.94.108.0/24"]);
}

#[test]
fn without_a_filter_the_line_is_kept_for_the_agent() {
    let saving = Saving::down();
    let added = saving.run("trust add 192.0.2.0/24").ok();
    assert!(
        added
            .stderr
            .contains("the filter is not up, so it takes effect when the agent starts"),
        "{added}"
    );
    assert_eq!(saving.lines("trust"), ["192.0.2.0/24"]);
    let agent = Agent::start(&saving.origin, &saving.home);
    assert!(saving.entry("trust", "192.0.2.0/24").unwrap().2);
    agent.stop();
    saving.origin.synwall("down --all");
    saving.run("trust remove 192.0.2.0/24").ok();
    assert_eq!(saving.lines("trust"), Vec::<String>::new());
    assert_eq!(saving.run("trust remove 192.0.2.0/24").code, Some(1));
}

#[test]
fn who_removes_what_comes_back_is_told_where_it_comes_from() {
    let saving = Saving::down();
    saving
        .home
        .configure(&CONFIG.replace("proxy\"", "proxy\", \"10.0.0.0/8\""));
    saving.home.write("saved/trust.list", "203.0.113.0/24\n");
    let agent = Agent::start(&saving.origin, &saving.home);
    saving.run("trust add 192.0.2.0/24").ok();
    saving.origin.synwall("trust add 11.0.0.0/8");
    agent.stop();
    let told = saving.origin.synwall("trust remove 192.0.2.0/24").stderr;
    assert!(
        told.contains("remove it there, too: synwall trust remove 192.0.2.0/24 --save"),
        "{told}"
    );
    let told = saving.origin.synwall("trust remove 185.94.108.0/24").stderr;
    assert!(
        told.contains("it comes from elsewhere (config); take it out there"),
        "{told}"
    );
    let told = saving.run("trust remove 10.0.0.0/8").ok().stderr;
    assert!(
        told.contains("it comes from elsewhere (config); take it out there"),
        "{told}"
    );
    saving.run("trust add 192.0.2.0/24").ok();
    for told in [saving.origin.synwall("trust remove 11.0.0.0/8").stderr, {
        saving.origin.synwall("trust add 12.0.0.0/8");
        saving.run("trust remove 192.0.2.0/24").ok().stderr
    }] {
        assert!(!told.contains("warning"), "{told}");
    }
}

#[test]
fn two_at_once_lose_nothing() {
    let saving = Saving::up();
    const EACH: u32 = 12;
    thread::scope(|scope| {
        for writer in 0..3 {
            let saving = &saving;
            scope.spawn(move || {
                for round in 0..EACH {
                    saving
                        .run(&format!("trust add 10.{writer}.{round}.0/24 --label w{writer}"))
                        .ok();
                    if round % 3 == 2 {
                        saving.run(&format!("trust remove 10.{writer}.{round}.0/24")).ok();
                    }
                }
            });
        }
    });
    let kept = (0..3).flat_map(|writer| {
        (0..EACH)
            .filter(|round| round % 3 != 2)
            .map(move |round| format!("10.{writer}.{round}.0/24"))
    });
    let kept: BTreeSet<String> = kept.collect();
    let words = |line: String| line.split(' ').next().unwrap().to_owned();
    let lines: Vec<String> = saving.lines("trust").into_iter().map(words).collect();
    assert_eq!(lines.len(), kept.len());
    assert_eq!(lines.into_iter().collect::<BTreeSet<_>>(), kept);
    let listed = saving
        .origin
        .list("trust")
        .into_iter()
        .filter(|prefix| prefix.starts_with("10."));
    assert_eq!(listed.collect::<BTreeSet<_>>(), kept);
}

#[test]
fn killed_at_any_instant_the_file_is_whole_and_not_behind() {
    let saving = Saving::up();
    let text = "# mine\n10.0.0.0/8 a\n";
    saving.home.write("saved/trust.list", text);
    let commands = ["trust add 192.0.2.0/24 --label b", "trust remove 192.0.2.0/24"];
    let whole = killing::duration_of(&mut saving.command(commands[0]));
    saving.run(commands[1]).ok();
    for time in 0..48 {
        let adds = time % 2 == 0;
        killing::after(
            &mut saving.command(commands[usize::from(!adds)]),
            whole * (time % 24) / 22,
        );
        let now = fs::read_to_string(saving.list("trust")).unwrap();
        assert!(now == text || now == format!("{text}192.0.2.0/24 b\n"), "{now}");
        // The file is written first: a change in the kernel is always in the file, too.
        let is_listed = saving.entry("trust", "192.0.2.0/24").is_some();
        let is_saved = now != text;
        assert!(
            if adds {
                !is_listed || is_saved
            } else {
                is_listed || !is_saved
            },
            "{adds} {is_listed} {is_saved}"
        );
        // The next commands work, and remove everything that the killed command left.
        saving.run(commands[0]).ok();
        if !adds {
            saving.run(commands[1]).ok();
        }
        saving.origin.filters();
    }
    let left: Vec<_> = fs::read_dir(saving.home.etc.join("saved"))
        .unwrap()
        .flatten()
        .map(|found| found.file_name())
        .collect();
    assert_eq!(left, ["trust.list"]);
}

/// System calls on files. strace counts each kind separately.
const CALLS: [&str; 7] = ["mkdir", "flock", "unlink", "fchmod", "write", "fsync", "rename"];

/// Runs a command with `--save` and kills it at the `number`th of those calls. Returns whether it got that far.
fn killed_at(saving: &Saving, arguments: &str, calls: &str, number: u32) -> bool {
    let command = saving.command(arguments);
    let mut strace = saving.origin.site.origin.command("strace");
    strace
        .args([
            "--follow-forks",
            "--quiet=all",
            "--signal=none",
            "--output=/dev/null",
        ])
        .arg(format!("--trace={calls}"))
        .arg(format!("--inject={calls}:signal=KILL:when={number}"))
        .arg(command.get_program())
        .args(command.get_args())
        .env("SYNWALL_CONFIG", saving.home.config())
        .env_remove("SYNWALL_PIN_DIR");
    Output::of(&mut strace).code.is_none()
}

#[test]
fn killed_at_each_call_that_changes_files_the_list_is_the_old_or_the_new_one() {
    let saving = Saving::up();
    let text = "# mine\n10.0.0.0/8 a\n";
    let (mut old, mut new) = (0, 0);
    let instants = CALLS
        .iter()
        .flat_map(|calls| (1..=8).map(move |number| (calls, number)));
    for (calls, number) in instants {
        saving.home.write("saved/trust.list", text);
        let is_killed = killed_at(&saving, "trust add 192.0.2.0/24 --label b", calls, number);
        if !is_killed {
            saving.run("trust remove 192.0.2.0/24").ok();
            continue;
        }
        let now = fs::read_to_string(saving.list("trust")).unwrap();
        if now == text {
            old += 1;
            assert!(saving.entry("trust", "192.0.2.0/24").is_none());
        } else {
            assert_eq!(now, format!("{text}192.0.2.0/24 b\n"));
            new += 1;
        }
        saving.run("trust add 192.0.2.0/24 --label b").ok();
        saving.run("trust remove 192.0.2.0/24").ok();
    }
    assert!(
        old > 6 && new > 2,
        "killed {old} times before the new list was there, {new} times after"
    );
}

#[test]
fn a_full_disk_changes_nothing() {
    let saving = Saving::up();
    let saved = saving.home.etc.join("saved");
    fs::create_dir(&saved).unwrap();
    mount(
        Some("tmpfs"),
        &saved,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("size=8k,mode=755"),
    )
    .unwrap();
    saving.run("trust add 192.0.2.0/24").ok();
    let before = fs::read_to_string(saving.list("trust")).unwrap();
    // The disk has two pages. The list has one, and this file takes the other.
    fs::write(saved.join("filler"), [0; 4096]).unwrap();
    for command in ["trust add 10.0.0.0/8", "trust remove 192.0.2.0/24"] {
        let output = saving.run(command);
        assert_eq!(output.code, Some(1), "{output}");
        assert!(
            output
                .stderr
                .contains("No space left on device (os error 28); nothing was changed"),
            "{output}"
        );
        assert_eq!(fs::read_to_string(saving.list("trust")).unwrap(), before);
        assert_eq!(saving.origin.list("trust"), ["185.94.108.0/24", "192.0.2.0/24"]);
    }
    assert_eq!(
        fs::read_dir(&saved).unwrap().count(),
        2,
        "nothing is left of the attempts"
    );
    fs::remove_file(saved.join("filler")).unwrap();
    saving.run("trust remove 192.0.2.0/24").ok();
}

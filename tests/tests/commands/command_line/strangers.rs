//! Another user of the machine, without privileges: what they can read, block or replace of a filter.
//!
//! Longer than 300 lines because each attack is a test of its own, and all share the topic and its helpers.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
};

use tests::lab::Output;

use crate::command_line::console::{Console, PINS};

const STRANGER: u32 = 64_002;

/// A directory that other users own, below a directory of root.
const TEAM: &str = "/sys/fs/bpf/team";
const IN_TEAM: &str = "/sys/fs/bpf/team/synwall";

/// Commands that read or change a filter.
const VERBS: [&str; 6] = [
    "up eth0 --provider qrator",
    "trust add 192.0.2.0/24",
    "set --observe",
    "status",
    "trust list",
    "down --all",
];

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("a pin").mode() & 0o7777
}

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Runs a line in a shell as the user with that id.
fn shell(console: &Console, user: u32, line: &str) -> Output {
    let mut command = console.site.origin.command("setpriv");
    command.args([
        &format!("--reuid={user}"),
        &format!("--regid={user}"),
        "--clear-groups",
        "--inh-caps=-all",
        "sh",
        "-c",
        line,
    ]);
    Output::of(&mut command)
}

/// Every path at and below a path of a bpffs, and whether it is a directory.
fn below(path: &Path) -> Vec<(std::path::PathBuf, bool)> {
    let is_directory = fs::symlink_metadata(path).expect("a pin").is_dir();
    let mut all = vec![(path.to_owned(), is_directory)];
    if is_directory {
        for entry in fs::read_dir(path).expect("a directory") {
            all.extend(below(&entry.expect("an entry").path()));
        }
    }
    all
}

#[test]
fn every_pin_is_for_its_owner_only_whatever_the_umask() {
    let console = Console::new();
    let run = |line: &str| {
        let program = console.command("").get_program().to_owned();
        let line = format!("umask 0; {} {line}", program.to_str().expect("UTF-8"));
        shell(&console, 0, &line).ok();
    };
    console.file("list", "192.0.2.0/24 office\n2001:db8:1::/48\n");
    for arguments in [
        "up eth0 --provider qrator --udp 443",
        "trust add 198.51.100.0/24 --for 1h",
        "trust replace /run/laboratory/list",
        "deny add 192.0.2.7",
        "retire add 203.0.113.99",
        "set --drop unestablished",
        "trust add 198.51.100.0/24",
    ] {
        run(arguments);
        for (path, is_directory) in below(Path::new(PINS)) {
            let wanted = if is_directory { 0o700 } else { 0o600 };
            assert_eq!(mode(&path), wanted, "{} after {arguments}", path.display());
        }
    }
    let names: Vec<_> = below(Path::new(PINS))
        .into_iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    for part in [
        "/layout",
        "/generation1/entries",
        "/chunks/",
        "/interface_",
        "/link",
    ] {
        assert!(
            names.iter().any(|name| name.contains(part)),
            "no {part} in {names:?}"
        );
    }
}

#[test]
fn a_stranger_can_neither_look_nor_lock_nor_move() {
    let console = Console::up();
    let interface = below(Path::new(PINS))
        .into_iter()
        .map(|(path, _)| path)
        .find(|path| path.ends_with("link"))
        .expect("a link");
    let interface = interface.display();
    // First a bpffs where everybody may create files (the kernel's default), then one where only root may
    // (systemd's).
    for of_bpffs in [0o1777, 0o700] {
        set_mode("/sys/fs/bpf", of_bpffs);
        for line in [
            format!("ls {PINS}"),
            format!("stat {PINS}/layout"),
            format!("stat {interface}"),
            format!("cd {PINS}"),
            format!("exec 3< {PINS}"),
            format!("exec 3< {PINS}/settings"),
            format!("exec 3<> {PINS}/generation"),
            format!("flock --nonblock --shared {PINS} true"),
            format!("mkdir {PINS}/interface_x"),
            format!("chmod 755 {PINS}"),
            format!("ln -s /etc/passwd {PINS}/theirs"),
        ] {
            assert_ne!(
                shell(&console, STRANGER, &line).code,
                Some(0),
                "{of_bpffs:o}: {line}"
            );
        }
        let moves = [format!("mv {PINS} {PINS}2"), format!("rm -r {PINS}")];
        for line in &moves {
            assert_ne!(
                shell(&console, STRANGER, line).code,
                Some(0),
                "{of_bpffs:o}: {line}"
            );
        }
    }
    // The same commands work for root, so the refusals mean something.
    for line in [
        format!("ls {PINS}"),
        format!("stat {PINS}/layout"),
        format!("stat {interface}"),
        format!("exec 3< {PINS}"),
        format!("flock --nonblock --shared {PINS} true"),
        format!("mv {PINS} {PINS}2 && mv {PINS}2 {PINS}"),
    ] {
        shell(&console, 0, &line).ok();
    }
    console.run("status").ok();
}

#[test]
fn a_directory_in_which_others_could_hold_the_lock_is_refused() {
    let console = Console::up();
    for mode in [0o755, 0o750, 0o711, 0o701] {
        set_mode(PINS, mode);
        let shown = console.refuses(1, &VERBS);
        let said =
            format!("it has mode {mode:o}: others could look into it and hold its lock (chmod 700 {PINS})");
        assert_eq!(shown.matches(&said).count(), VERBS.len(), "{shown}");
    }
    set_mode(PINS, 0o700);
    console.run("status").ok();
}

#[test]
fn a_place_where_others_could_put_another_directory_is_refused() {
    let console = Console::new();
    let there = |verb: &str| format!("{verb} --pin-dir {IN_TEAM}");
    fs::create_dir(TEAM).unwrap();
    set_mode(TEAM, 0o755);
    console.run(&there("up eth0 --provider qrator")).ok();
    let verbs: Vec<String> = VERBS.into_iter().map(there).collect();
    let verbs: Vec<&str> = verbs.iter().map(String::as_str).collect();
    for (owner, group, mode, who) in [
        (0, 0, 0o777, "every user, as /sys/fs/bpf/team has mode 777"),
        (0, 100, 0o770, "group 100, which may write to /sys/fs/bpf/team"),
        (STRANGER, 0, 0o755, "user 64002, to whom /sys/fs/bpf/team belongs"),
        (
            STRANGER,
            0,
            0o1777,
            "user 64002, to whom /sys/fs/bpf/team belongs",
        ),
    ] {
        chown(TEAM, Some(owner), Some(group)).unwrap();
        set_mode(TEAM, mode);
        let shown = console.refuses(1, &verbs);
        let said = format!("another directory could be put in its place by {who}");
        assert_eq!(shown.matches(&said).count(), VERBS.len(), "{shown}");
    }
    // In a sticky directory of root, users cannot rename the files of others.
    chown(TEAM, Some(0), None).unwrap();
    for mode in [0o1777, 0o1770, 0o755] {
        set_mode(TEAM, mode);
        console.run(&there("status")).ok();
    }
    console.run(&there("down --all")).ok();
}

#[test]
fn a_stranger_who_takes_the_place_first_is_named_and_not_followed() {
    let console = Console::new();
    set_mode("/sys/fs/bpf", 0o1777);
    shell(&console, STRANGER, &format!("mkdir {PINS}")).ok();
    let shown = console.refuses(1, &VERBS);
    assert_eq!(
        shown.matches("it belongs to user 64002").count(),
        VERBS.len(),
        "{shown}"
    );
    fs::remove_dir(PINS).unwrap();

    // A link at the end of the path, and a link in the middle. Both lead to an acceptable directory.
    fs::create_dir("/sys/fs/bpf/real").unwrap();
    set_mode("/sys/fs/bpf/real", 0o700);
    shell(&console, STRANGER, &format!("ln -s real {PINS}")).ok();
    console.refuses(1, &VERBS);
    fs::remove_file(PINS).unwrap();
    shell(&console, STRANGER, &format!("ln -s real {TEAM}")).ok();
    let verbs = VERBS.map(|verb| format!("{verb} --pin-dir {IN_TEAM}"));
    let shown = console.refuses(1, &verbs.each_ref().map(String::as_str));
    let said = "another directory could be put in its place by user 64002, to whom /sys/fs/bpf/team belongs";
    assert_eq!(shown.matches(said).count(), VERBS.len(), "{shown}");
    assert!(fs::read_dir("/sys/fs/bpf/real").unwrap().next().is_none());

    // A link of root is followed.
    fs::remove_file(TEAM).unwrap();
    symlink("real", TEAM).unwrap();
    console.run(&verbs[0]).ok();
    assert!(Path::new("/sys/fs/bpf/real/synwall/layout").exists());
    console.run("status --pin-dir /sys/fs/bpf/real/synwall").ok();
    // The path through the link would lie inside an existing filter, and synwall sees that.
    let shown = console.refuses(
        1,
        &[&format!("up eth0 --provider qrator --pin-dir {IN_TEAM}/inner")],
    );
    assert!(
        shown.contains("inside the filter /sys/fs/bpf/real/synwall"),
        "{shown}"
    );
    console.run(&verbs[5]).ok();
}

#[test]
fn what_links_inside_a_filter_lead_to_is_not_removed_with_it() {
    let console = Console::up();
    fs::create_dir("/sys/fs/bpf/precious").unwrap();
    fs::create_dir("/sys/fs/bpf/precious/inner").unwrap();
    symlink("/sys/fs/bpf/precious", format!("{PINS}/chunks/link")).unwrap();
    symlink("/sys/fs/bpf/precious", format!("{PINS}/interface_99_1")).unwrap();
    console.run("down --all").ok();
    assert!(!Path::new(PINS).exists());
    assert!(Path::new("/sys/fs/bpf/precious/inner").exists());
}

#[test]
fn names_of_interfaces_and_files_do_not_reach_the_terminal_as_they_are() {
    const STRIKE_OUT: &str = "\u{1b}[9m";
    let name = format!("e{STRIKE_OUT}0\u{9b}K");
    let console = Console::new();
    let rename = |from: &str, to: &str| {
        let origin = console.site.origin.namespace();
        Output::of(
            origin
                .command("ip")
                .args(["link", "set", "dev", from, "name", to]),
        )
        .ok();
    };
    let on_terminal = |arguments: &str, code: i32| {
        let output = Output::on_terminal(console.command(arguments), 200).exits(code);
        for obeyed in [STRIKE_OUT, "\u{9b}"] {
            assert!(
                !output.stdout.contains(obeyed),
                "{arguments}: {:?}",
                output.stdout
            );
        }
        output.stdout
    };
    rename("eth0", &name);
    let list = format!("{}/{STRIKE_OUT}list", console.site.lab.directory().display());
    let mut shown = on_terminal(&format!("up {name} --provider qrator --trust-file {list}"), 1);
    fs::write(&list, "192.0.2.0/24\n").unwrap();
    shown += &on_terminal(&format!("up {name} --trust-file {list} --xdp generic"), 0);
    assert!(on_terminal("trust list", 0).contains("192.0.2.0/24"));
    for arguments in [
        &format!("up {name} --xdp native"),
        "status",
        "stats reasons",
        "stats prefixes",
        "trust check 192.0.2.1",
        "down eth1",
    ] {
        shown += &on_terminal(
            arguments,
            i32::from(arguments.contains("eth1") || arguments.contains("native")),
        );
    }
    shown += &on_terminal(&format!("down {name}"), 0);
    assert_eq!(shown.matches("e\\u{1b}[9m0\\u{9b}K").count(), 6, "{shown}");
    on_terminal("down --all", 0);
}

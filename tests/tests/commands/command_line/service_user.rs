//! A separate user with three capabilities and no other privilege of root runs the whole command line.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use nix::mount::{MsFlags, mount};
use tests::lab::Output;

use crate::command_line::{console::Console, foreign_program};

const USER: u32 = 64_001;
const THREE: &str = "+bpf,+net_admin,+perfmon";

/// A console whose commands run as that user.
struct ServiceUser {
    console: Console,
}

impl ServiceUser {
    fn new() -> Self {
        let console = Console::new();
        // The user may not be able to enter the build directory, so the program is copied. A separate process copies
        // it. A copy by this process could be open for writing in a child of another test, and could then not be
        // executed.
        let built = console.command("");
        let copied = Command::new("cp")
            .arg(built.get_program())
            .arg("/run/laboratory/synwall")
            .status();
        assert!(copied.unwrap().success());
        fs::create_dir("/sys/fs/bpf/given").unwrap();
        chown("/sys/fs/bpf/given", Some(USER), Some(USER)).unwrap();
        fs::set_permissions("/sys/fs/bpf/given", fs::Permissions::from_mode(0o700)).unwrap();
        Self { console }
    }

    fn command(&self, capabilities: &str, arguments: &str) -> Command {
        let mut command = self.console.site.origin.command("setpriv");
        command
            .args([
                format!("--reuid={USER}"),
                format!("--regid={USER}"),
                "--clear-groups".to_owned(),
                format!("--inh-caps=-all,{capabilities}"),
                format!("--ambient-caps=-all,{capabilities}"),
                format!("--bounding-set=-all,{capabilities}"),
            ])
            .arg("--no-new-privs")
            .arg("/run/laboratory/synwall")
            .args(arguments.split(' '))
            .env("SYNWALL_PIN_DIR", "/sys/fs/bpf/given/synwall");
        command
    }

    #[track_caller]
    fn runs(&self, arguments: &str) -> Output {
        Output::of(&mut self.command(THREE, arguments)).ok()
    }
}

/// Every verb, in an order in which each one succeeds.
const EVERY_VERB: [&str; 29] = [
    "up eth0 --provider qrator --confirm 60s --xdp native",
    "confirm",
    "up eth0 --trust-file /run/laboratory/list",
    "trust add 192.0.2.0/24 2001:db8:1::/48 --label office --for 1h",
    "trust remove 192.0.2.0/24",
    "trust replace /run/laboratory/list",
    "trust list",
    "trust list --json",
    "trust check 198.51.100.1",
    "deny add 198.51.100.7",
    "deny replace /run/laboratory/denied",
    "deny list",
    "deny remove 198.51.100.8/32",
    "retire add 203.0.113.99 2001:db8:9::/48",
    "retire list",
    "retire remove 203.0.113.99",
    "set --drop unestablished --tcp 80,443,8443 --udp 443",
    "set --observe",
    "set --drop all --enforce",
    "stats reasons",
    "stats sources",
    "stats prefixes --json",
    "status",
    "status --json",
    "down eth0",
    "up eth0 --xdp generic",
    "status",
    "down eth0",
    "down --all",
];

#[test]
fn every_verb_works_with_three_capabilities_in_a_directory_that_was_given() {
    let user = ServiceUser::new();
    user.console.file("list", "198.51.100.0/24\n2001:db8:2::/48\n");
    user.console.file("denied", "198.51.100.8\n");
    for arguments in EVERY_VERB {
        user.runs(arguments);
        let is_up = !arguments.starts_with("down");
        assert_eq!(
            user.console.filtered_interfaces() == ["eth0"],
            is_up,
            "{arguments}"
        );
    }
    assert!(!Path::new("/sys/fs/bpf/given/synwall").exists());
    assert!(Path::new("/sys/fs/bpf/given").exists());
}

#[test]
fn a_bpf_file_system_of_its_own_is_a_place_too() {
    let user = ServiceUser::new();
    let place = Path::new("/run/laboratory/bpf");
    fs::create_dir(place).unwrap();
    mount(
        Some("bpf"),
        place,
        Some("bpf"),
        MsFlags::empty(),
        Some("mode=0700"),
    )
    .unwrap();
    // Newer kernels have the mount options `uid=` and `gid=` for this.
    chown(place, Some(USER), Some(USER)).unwrap();
    for arguments in [
        "up eth0 --provider qrator",
        "trust add 192.0.2.0/24",
        "status",
        "down --all",
    ] {
        user.runs(&format!("{arguments} --pin-dir /run/laboratory/bpf/one"));
    }
    assert_eq!(user.console.filtered_interfaces(), [""; 0]);
}

#[test]
fn it_reads_its_own_lists_and_those_of_root_but_root_does_not_read_its_lists() {
    let user = ServiceUser::new();
    let of_root = user.console.file("of-root", "192.0.2.0/24\n");
    let of_user = user.console.file("of-user", "198.51.100.0/24\n");
    chown(&of_user, Some(USER), None).unwrap();
    user.runs(&format!("up eth0 --trust-file {of_root} --trust-file {of_user}"));
    user.runs("down --all");
    let shown = user.console.refuses(
        1,
        &[&format!("up eth0 --trust-file {of_root} --trust-file {of_user}")],
    );
    assert!(
        shown.contains("user 64001, to whom /run/laboratory/of-user belongs"),
        "{shown}"
    );
}

#[test]
fn each_of_the_three_is_needed_and_named() {
    let user = ServiceUser::new();
    user.runs("up eth0 --provider qrator");
    for (held, missing) in [
        ("+net_admin,+perfmon", "CAP_BPF"),
        ("+bpf,+perfmon", "CAP_NET_ADMIN"),
        ("+bpf,+net_admin", "CAP_PERFMON"),
    ] {
        for arguments in EVERY_VERB {
            // These commands would fail earlier, because they refuse the list.
            if arguments.contains("/run/laboratory/") {
                continue;
            }
            let output = user.console.refused(1, &mut user.command(held, arguments));
            let message = format!("error: not permitted: {missing} missing;");
            assert!(output.stderr.starts_with(&message), "{output}");
        }
    }
    assert_eq!(user.console.filtered_interfaces(), ["eth0"]);
    user.runs("down --all");
}

#[test]
fn an_interface_with_another_program_is_refused_though_its_name_takes_more_capabilities() {
    let user = ServiceUser::new();
    foreign_program::attach(&user.console, "eth0", "xdpdrv");
    let output = user
        .console
        .refused(1, &mut user.command(THREE, "up eth0 --provider qrator"));
    assert!(
        output
            .stderr
            .contains("eth0 already has another XDP program: id "),
        "{output}"
    );
}

#[test]
fn root_and_another_user_do_not_take_its_filter_for_theirs() {
    let user = ServiceUser::new();
    user.runs("up eth0 --provider qrator");
    let shown = user.console.refuses(
        1,
        &[
            "status --pin-dir /sys/fs/bpf/given/synwall",
            "up eth0 --provider qrator --pin-dir /sys/fs/bpf/given/synwall",
            "down --all --pin-dir /sys/fs/bpf/given/synwall",
        ],
    );
    assert_eq!(shown.matches("user 64001").count(), 3, "{shown}");
    user.runs("down --all");
}

//! Machines and users that cannot run the filter get a message that names what is missing.

use insta::assert_snapshot;
use std::process::Command;

use filter_user::sys::preflight::{Version, kernel_version};
use tests::{
    kernel::{fact, skipped},
    lab::Output,
};

use crate::command_line::console::Console;

/// The command, started by another program that first gives up some privileges.
fn through(console: &Console, program: &str, gives_up: &[&str], arguments: &str) -> Command {
    let command = console.command(arguments);
    let mut wrapped = console.site.origin.command(program);
    wrapped
        .args(gives_up)
        .arg(command.get_program())
        .args(command.get_args())
        .env_remove("SYNWALL_PIN_DIR");
    wrapped
}

const EVERY_VERB: [&str; 8] = [
    "up eth0 --provider qrator",
    "confirm",
    "down eth0",
    "down --all",
    "status",
    "trust list",
    "stats",
    "set --observe",
];

#[test]
fn without_root_the_missing_capabilities_are_named() {
    let console = Console::up();
    for arguments in EVERY_VERB {
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let output = console.refused(1, &mut through(&console, "setpriv", &nobody, arguments));
        assert_eq!(
            output.stderr,
            "error: not permitted: CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON missing; run as root (sudo), or grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON\n",
            "{arguments}"
        );
    }
}

#[test]
fn root_without_capabilities_is_told_which() {
    let console = Console::up();
    for (gives_up, missing) in [
        (
            "--bounding-set=-all",
            "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON missing",
        ),
        ("--bounding-set=-net_admin", "CAP_NET_ADMIN missing"),
        ("--bounding-set=-bpf,-sys_admin", "CAP_BPF missing"),
        ("--bounding-set=-perfmon,-sys_admin", "CAP_PERFMON missing"),
    ] {
        let mut command = through(
            &console,
            "setpriv",
            &[gives_up, "--inh-caps=-all"],
            "trust add 192.0.2.0/24",
        );
        let output = console.refused(1, &mut command);
        assert!(
            output.stderr.contains(&format!("not permitted: {missing};")),
            "{output}"
        );
    }
}

#[test]
fn the_capabilities_that_the_message_asks_for_are_enough() {
    let console = Console::new();
    let (kept, enough) = if counts_locked_memory() {
        (
            "+sys_resource,",
            "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_RESOURCE",
        )
    } else {
        ("", "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON")
    };
    let run = |arguments: &str| {
        let keeps = format!("--bounding-set=-all,{kept}+bpf,+net_admin,+perfmon");
        let mut command = through(&console, "setpriv", &[&keeps, "--inh-caps=-all"], arguments);
        Output::of(&mut command).ok();
    };
    run("up eth0 --provider qrator");
    run("trust add 192.0.2.0/24");
    run("deny add 192.0.2.7");
    run("set --drop unestablished");
    run("status");
    run("stats");
    run("down eth0");
    run("down --all");
    fact("capabilities that are enough", enough);
}

/// Whether maps count against RLIMIT_MEMLOCK.
fn counts_locked_memory() -> bool {
    kernel_version().expect("the kernel's version") < Version(5, 11)
}

#[test]
fn before_linux_5_11_the_limit_of_locked_memory_is_named_with_the_way_out() {
    if !counts_locked_memory() {
        return skipped("the kernel does not count maps as locked memory");
    }
    let console = Console::new();
    let limited = |limit: &str| {
        // An absolute path, because some shells have their own setpriv.
        let shell = format!(
            "ulimit -l {limit} && exec /usr/bin/setpriv --bounding-set=-all,+bpf,+net_admin,+perfmon --inh-caps=-all \"$@\""
        );
        through(&console, "sh", &["-c", &shell, "sh"], "up eth0 --provider qrator")
    };
    let output = console.refused(1, &mut limited("64"));
    assert!(
        output
            .stderr
            .contains("RLIMIT_MEMLOCK, and 65536 bytes are not enough")
            && output.stderr.contains("ulimit -l unlimited"),
        "{output}"
    );
    Output::of(&mut limited("unlimited")).ok();
}

#[test]
fn a_kernel_that_is_too_old_is_named_with_the_version_it_needs() {
    let console = Console::new();
    for arguments in ["up eth0 --provider qrator", "status", "down --all"] {
        let old = [std::env::consts::ARCH, "--uname-2.6"];
        let output = console.refused(1, &mut through(&console, "setarch", &old, arguments));
        assert!(
            output.stderr.contains("kernel 2.6.") && output.stderr.contains("Linux 5.10 or newer"),
            "{output}"
        );
    }
}

#[test]
fn a_place_that_is_not_on_a_bpf_file_system_is_named_with_the_way_out() {
    let console = Console::new();
    std::fs::create_dir("/run/laboratory/there").unwrap();
    assert_snapshot!(console.refuses(
        1,
        &[
            "up eth0 --provider qrator --pin-dir /run/laboratory/pins",
            "up eth0 --provider qrator --pin-dir /run/laboratory/there",
            "down --all --pin-dir /run/laboratory/there",
            "status --pin-dir /run/laboratory/there",
        ],
    ));
    assert!(
        std::fs::read_dir("/run/laboratory/there")
            .unwrap()
            .next()
            .is_none()
    );
    assert!(!std::path::Path::new("/run/laboratory/pins").exists());
}

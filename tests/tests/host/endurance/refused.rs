//! System calls that fail at each step of a command, with ENOMEM, ENOSPC, EPERM or EBUSY. The command succeeds; or it
//! fails, reports the error, and has changed nothing.
//!
//! Longer than 300 lines because each command is a test of its own, and all share the loop that injects the faults.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use tests::{
    lab::{Family, Site},
    origin::{Origin, PINS, SOON, UP, pins},
    thorough,
};

use crate::endurance::{
    faults::{self, Fault, Faulty},
    model::{PROXY, State},
};

const ERRORS: [&str; 4] = ["ENOMEM", "ENOSPC", "EPERM", "EBUSY"];

/// System calls for maps, programs and links, and for files, memory, interfaces and threads.
const CALLS: [&str; 16] = [
    "bpf",
    "openat",
    "mkdir",
    "unlink",
    "unlinkat",
    "rmdir",
    "flock",
    "statfs",
    "statx",
    "getdents64",
    "mmap",
    "socket",
    "sendto",
    "recvfrom",
    "clone3",
    "write",
];

/// Runs a command with a fault at each of its system calls, until a run ends without a fault. A short run tests every
/// nineteenth call. `before` prepares the origin, and `after` checks the result.
fn at_each_call<T>(
    origin: &Origin,
    command: &str,
    before: impl Fn() -> T,
    after: impl Fn(&Faulty, Fault, T, &str),
) {
    let stride = if thorough() { 1 } else { 19 };
    let mut count = 0;
    for calls in CALLS {
        let first = faults::before_it_begins(origin, calls) + 1;
        for number in (first..).step_by(stride) {
            let errno = ERRORS[(number / 2) as usize % 4];
            let chosen = match (thorough(), number % 2) {
                (true, _) => ERRORS
                    .map(Fault::Fails)
                    .into_iter()
                    .chain([Fault::FailsFromNowOn(errno)])
                    .collect(),
                (false, 0) => vec![Fault::Fails(errno)],
                (false, _) => vec![Fault::FailsFromNowOn(errno)],
            };
            let mut happened = false;
            for fault in chosen {
                let start = before();
                let faulty = faults::run(origin, command, calls, fault, number);
                let what = format!("`{command}`, {fault:?} at number {number} of {calls}");
                println!("{what}");
                is_an_answer(&faulty, &what);
                happened |= faulty.happened;
                after(&faulty, fault, start, &what);
                count += 1;
            }
            if !happened {
                break;
            }
        }
    }
    println!("{command}: {count} faults");
    assert!(count > 3, "{count} are too few");
}

/// Fails unless the command exited by itself, and reported an error if it failed.
#[track_caller]
fn is_an_answer(faulty: &Faulty, what: &str) {
    let output = &faulty.output;
    // Rust ends every program in this way if it gets no memory for its own data.
    let out_of_memory = output.code.is_none() && output.stderr.contains("memory allocation of");
    assert!(
        out_of_memory || matches!(output.code, Some(0 | 1)),
        "{what}: not an answer\n{output}"
    );
    assert!(
        output.code != Some(1) || output.stderr.contains("error: "),
        "{what}: it does not say what is wrong\n{output}"
    );
}

/// Checks a command that changes a running filter from one state to another. Both states trust the proxy.
fn changes_all_or_nothing(prepare: &[&str], command: &str, back: &[&str]) {
    let origin = Origin::up();
    origin.add_interface("eth1");
    prepare.iter().for_each(|command| drop(origin.synwall(command)));
    let before = State::of(&origin);
    origin.synwall(command);
    let after = State::of(&origin);
    let go_back = || back.iter().for_each(|command| drop(origin.synwall(command)));
    go_back();
    let counted = origin.packets_on("trust", PROXY);
    let ((), watched) = origin.watched(|| {
        at_each_call(
            &origin,
            command,
            || (),
            |faulty, fault, (), what| {
                let now = State::of(&origin);
                let expected = match (faulty.output.code, fault) {
                    (Some(0), _) => now == after,
                    (_, Fault::Fails(_)) => now == before,
                    // The rollback may have failed, too.
                    _ => now == before || now == after,
                };
                assert!(expected, "{what}: now it is\n{now}{}", faulty.output);
                let current = origin.json("status --json");
                let is_current = current["interfaces"]
                    .as_array()
                    .expect("rows")
                    .iter()
                    .all(|row| row["state"] == "attached");
                assert!(
                    is_current
                        || matches!(fault, Fault::FailsFromNowOn(_))
                        || faulty.output.stderr.contains("is left to the next change"),
                    "{what}: {current}\n{}",
                    faulty.output
                );
                // The next commands work.
                if now == before {
                    origin.synwall(command);
                    assert!(State::of(&origin) == after, "{what}");
                }
                go_back();
                assert!(State::of(&origin) == before, "{what}");
            },
        );
    });
    // No counter was lost.
    assert_eq!(origin.packets_on("trust", PROXY), counted + watched.visits);
    origin.filters();
}

/// Adds an entry and lets it expire.
fn with_an_expired_entry(origin: &Origin, expired: &str) {
    origin.synwall(&format!("trust add {expired} --for 1ms"));
    thread::sleep(Duration::from_millis(5));
}

/// Every listed source gets through, and no other source does. This must hold even if an expired entry is removed at
/// the same time, which rebuilds coverage.
#[test]
fn whoever_is_in_the_list_gets_through() {
    let origin = Origin {
        site: Site::plan()
            .host("visitor", "192.0.2.10/24", "2001:db8:22::10/64")
            .build(),
    };
    origin.synwall(UP);
    let visitor = &origin.site.others[0];
    let port = (origin.site.origin.address(Family::V4), 80).into();
    let is_served = || visitor.connect(port, Duration::from_millis(60)).is_ok();
    at_each_call(
        &origin,
        "trust add 192.0.2.0/24",
        || with_an_expired_entry(&origin, "10.9.0.0/24"),
        |faulty, _, (), what| {
            for next in ["status", "trust add 10.8.0.0/24", "trust remove 10.8.0.0/24"] {
                let is_listed = origin.list("trust").contains(&"192.0.2.0/24".to_owned());
                assert_eq!(
                    is_served(),
                    is_listed,
                    "{what}, before `{next}`\n{}",
                    faulty.output
                );
                origin.synwall(next);
            }
            origin.run("trust remove 192.0.2.0/24");
        },
    );
}

/// A denied prefix was trusted for a limited time, which is over. No fault may make it trusted again.
#[test]
fn whose_time_is_over_does_not_get_through_again() {
    let origin = Origin {
        site: Site::plan()
            .host("visitor", "192.0.2.10/24", "2001:db8:22::10/64")
            .build(),
    };
    origin.synwall(UP);
    let visitor = &origin.site.others[0];
    let port = (origin.site.origin.address(Family::V4), 80).into();
    at_each_call(
        &origin,
        "deny add 192.0.2.0/24 --for 1h",
        || with_an_expired_entry(&origin, "192.0.2.0/24"),
        |faulty, _, (), what| {
            for next in ["status", "trust add 10.8.0.0/24"] {
                let served = visitor.connect(port, Duration::from_millis(60)).is_ok();
                assert!(!served, "{what}, before `{next}`\n{}", faulty.output);
                origin.synwall(next);
            }
            origin.run("deny remove 192.0.2.0/24");
        },
    );
}

#[test]
fn one_prefix_is_trusted_or_not() {
    changes_all_or_nothing(
        &[],
        "trust add 192.0.2.0/24 --label office",
        &["trust remove 192.0.2.0/24"],
    );
}

#[test]
fn one_prefix_is_removed_or_not() {
    changes_all_or_nothing(
        &["deny add 192.0.2.0/24 --label office"],
        "deny remove 192.0.2.0/24",
        &["deny add 192.0.2.0/24 --label office"],
    );
}

#[test]
fn a_list_is_replaced_or_not() {
    let origin = tempfile::tempdir().expect("a directory");
    let list = |name: &str, text: String| {
        let path = origin.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let few = list("few", "185.94.108.0/24 qrator\n".into());
    let many: String = (0..3000)
        .map(|n| format!("11.{}.{}.0/24 n{}\n", n >> 8, n & 255, n % 9))
        .collect();
    let many = list("many", many + "185.94.108.0/24 qrator\n");
    let (few, many) = (format!("trust replace {few}"), format!("trust replace {many}"));
    changes_all_or_nothing(&[&few], &many, &[&few]);
}

#[test]
fn the_first_denied_prefixes_come_with_the_program_that_looks_for_them() {
    changes_all_or_nothing(
        &[],
        "deny add 192.0.2.0/24 2001:db8:7::/48",
        &["deny remove 192.0.2.0/24 2001:db8:7::/48"],
    );
}

#[test]
fn settings_change_as_a_whole() {
    changes_all_or_nothing(
        &["up eth1"],
        "set --drop all --tcp 80,443,8080 --udp 443",
        &["set --drop new --tcp 80,443 --udp none"],
    );
}

#[test]
fn a_second_interface_is_up_or_not() {
    changes_all_or_nothing(&[], "up eth1", &["down eth1"]);
}

/// Whether `eth0` has no program, now or soon. If the kernel refused to open the link, it detaches the program later.
fn goes_off(origin: &Origin) -> bool {
    let give_up = Instant::now() + SOON;
    while origin.xdp_is_on() && Instant::now() < give_up {
        thread::sleep(Duration::from_millis(5));
    }
    !origin.xdp_is_on()
}

#[test]
fn a_first_up_leaves_a_filter_or_nothing() {
    let origin = Origin::new();
    at_each_call(
        &origin,
        UP,
        || assert!(!Path::new(PINS).exists()),
        |faulty, fault, (), what| {
            match (faulty.output.code, fault) {
                (Some(0), _) => origin.filters(),
                (_, fault) => {
                    assert!(goes_off(&origin), "{what}: it is on\n{}", faulty.output);
                    assert!(
                        matches!(fault, Fault::FailsFromNowOn(_)) || pins(Path::new(PINS)).is_empty(),
                        "{what}: pins are left\n{}",
                        faulty.output
                    );
                    let status = origin.run("status").exits(1);
                    assert!(status.stderr.contains("synwall is not up"), "{what}\n{status}");
                    origin.synwall(UP);
                }
            }
            origin.synwall("down --all");
        },
    );
    origin.serves_everybody();
}

#[test]
fn down_takes_it_off_or_says_why_not() {
    let origin = Origin::new();
    for command in ["down eth0", "down --all"] {
        at_each_call(
            &origin,
            command,
            || drop(origin.synwall(UP)),
            |faulty, _, (), what| {
                if faulty.output.code == Some(0) {
                    assert!(goes_off(&origin), "{what}: it is on\n{}", faulty.output);
                } else {
                    // The filter is either off, or on and complete.
                    let status = origin.run("status");
                    let on = origin.xdp_is_on();
                    assert!(
                        on == (status.code == Some(0) && status.stdout.contains("eth0")),
                        "{what}: {on}\n{status}\n{}",
                        faulty.output
                    );
                    if on {
                        origin.filters();
                    }
                    origin.run(command);
                    assert!(goes_off(&origin), "{what}: the next one did not take it off");
                }
            },
        );
    }
    origin.synwall(UP);
    origin.synwall("down --all");
    assert!(!Path::new(PINS).exists());
    origin.serves_everybody();
}

//! Two commands at the same time: one waits for the other, but not for ever.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use insta::assert_snapshot;
use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::Pid,
};
use tests::lab::{Ended, Output};

use crate::command_line::console::{Console, PINS};

fn start(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

#[test]
fn a_lock_that_stays_makes_every_command_fail_and_changes_nothing() {
    let console = Console::up();
    let before = console.everything();
    let lock = tests::origin::locked();
    // They run in parallel, because each waits for the lock.
    let commands = [
        "trust add 192.0.2.0/24",
        "deny replace -",
        "retire add 192.0.2.0/24",
        "set --drop all",
        "confirm",
        "down eth0",
        "down --all",
        "up eth0 --drop all",
        "status",
    ];
    let waiting: Vec<Child> = commands
        .iter()
        .map(|arguments| start(console.command(arguments)))
        .collect();
    for (command, child) in commands.iter().zip(waiting) {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "error: another synwall command is at work on /sys/fs/bpf/synwall (waited 5 s for it); try again when it is done. Nothing was changed\n",
            "{command}"
        );
    }
    drop(lock);
    assert_eq!(console.everything(), before);
}

#[test]
fn a_short_lock_is_waited_for() {
    let console = Console::up();
    let lock = tests::origin::locked();
    let mut waiting = start(console.command("trust add 192.0.2.0/24"));
    thread::sleep(Duration::from_millis(300));
    assert!(
        waiting.try_wait().unwrap().is_none(),
        "it did not wait for the lock"
    );
    drop(lock);
    assert!(waiting.wait().unwrap().success());
    console.run("trust check 192.0.2.1").ok();
}

#[test]
fn those_who_only_look_do_not_wait_for_one_another() {
    let console = Console::up();
    let lock = File::open(PINS).unwrap();
    lock.lock_shared().unwrap();
    for arguments in ["status", "trust list", "trust check 185.94.108.1", "stats"] {
        console.run(arguments).ok();
    }
}

#[test]
fn a_slow_list_holds_nobody_up() {
    let console = Console::up();
    let mut replacing = console.command("trust replace -");
    let mut replacing = replacing
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = replacing.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"192.0.2.0/24\n").unwrap();
    // The list does not arrive yet, and other commands must not wait for it.
    console.run("trust add 198.51.100.0/24").ok();
    drop(input);
    assert!(replacing.wait().unwrap().success());
    console.run("trust check 192.0.2.1").ok();
}

#[test]
fn a_watch_does_not_keep_others_from_changing() {
    let console = Console::up();
    let mut watch = console.command("stats --watch 10ms --json");
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    for number in 0..5 {
        console.run(&format!("trust add 192.0.2.{number}")).ok();
    }
    // Every line is a document, and the watch continues.
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for line in lines.take(3) {
        let document: serde_json::Value = serde_json::from_str(&line.unwrap()).expect("a document a line");
        assert_eq!(document["schema"], 1);
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn a_lock_on_nothing_is_no_lock() {
    let console = Console::new();
    assert_snapshot!(Output::of(&mut console.command("status")).exits(1));
    assert!(!Path::new(PINS).exists(), "looking made a directory");
}

#[test]
fn a_command_that_is_stopped_while_it_waits_holds_nobody_up_for_ever() {
    let console = Console::up();
    let lock = tests::origin::locked();
    let mut stopped = start(console.command("status"));
    // The command is at the head of the queue when the queue's lock is taken.
    let queue = File::open(Path::new(PINS).join("chunks")).unwrap();
    while queue.try_lock().is_ok() {
        queue.unlock().unwrap();
        assert!(stopped.try_wait().unwrap().is_none(), "it did not wait");
        thread::sleep(Duration::from_millis(5));
    }
    let pid = Pid::from_raw(stopped.id().cast_signed());
    kill(pid, Signal::SIGSTOP).unwrap();
    // From here on, the stopped command cannot take the released lock.
    waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    drop(lock);
    console.run("trust add 192.0.2.0/24").ok();
    console.run("down --all").ok();
    kill(pid, Signal::SIGCONT).unwrap();
    stopped.wait().unwrap();
}

#[test]
fn a_change_has_its_turn_among_those_who_look_all_the_time() {
    let console = Console::up();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let end = Ended(&ended);
        for _ in 0..6 {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    console.run("status").ok();
                }
            });
        }
        for number in 0..10 {
            console.run(&format!("trust add 192.0.2.{number}")).ok();
        }
        drop(end);
    });
}

#[test]
fn a_reader_who_takes_his_time_holds_nobody_up() {
    let console = Console::up();
    let list: String = (0..8000_u32)
        .map(|n| format!("11.{}.{}.0/24\n", n >> 8, n & 255))
        .collect();
    Output::with_input(&mut console.command("trust replace -"), &list).ok();
    // More than fits into a pipe.
    let mut reading = start(console.command("trust list"));
    let mut first = [0; 1];
    std::io::Read::read_exact(reading.stdout.as_mut().unwrap(), &mut first).unwrap();
    console.run("trust add 192.0.2.0/24").ok();
    reading.kill().unwrap();
    reading.wait().unwrap();
}

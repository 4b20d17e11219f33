//! Several commands at once: each waits for its turn, and no change is lost.

use std::{fs, process::Stdio, thread, time::Duration};

use tests::origin::{Origin, UP, interface_pins};

#[test]
fn eight_who_add_at_once_lose_no_update() {
    let origin = Origin::up();
    thread::scope(|scope| {
        for number in 0..8 {
            let origin = &origin;
            scope.spawn(move || {
                origin.synwall(&format!("trust add 192.0.2.{number}"));
                origin.synwall(&format!("deny add 198.51.100.{number}"));
            });
        }
    });
    assert_eq!(origin.list("trust").len(), 9);
    assert_eq!(origin.list("deny").len(), 8);
    origin.filters();
}

#[test]
fn many_who_bring_it_up_at_once_make_one_filter() {
    let origin = Origin::new();
    let said: Vec<String> = thread::scope(|scope| {
        let commands: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| origin.synwall(UP).stderr))
            .collect();
        commands
            .into_iter()
            .map(|command| command.join().expect("it succeeds"))
            .collect()
    });
    let first = said
        .iter()
        .filter(|said| said.contains("eth0: up, native XDP"))
        .count();
    assert_eq!(first, 1, "{said:?}");
    assert_eq!(
        said.iter()
            .filter(|said| said.contains("eth0: was up already"))
            .count(),
        5,
        "{said:?}"
    );
    origin.filters();
}

#[test]
fn up_and_down_at_once_end_in_one_or_the_other() {
    let origin = Origin::new();
    for _ in 0..5 {
        thread::scope(|scope| {
            scope.spawn(|| origin.synwall(UP));
            scope.spawn(|| {
                let output = origin.run("down --all");
                assert!(
                    output.code == Some(0) || output.stderr.contains("synwall is not up"),
                    "{output}"
                );
            });
        });
        let output = origin.run("status");
        assert!(
            output.code == Some(0) || output.stderr.contains("synwall is not up"),
            "{output}"
        );
    }
    origin.synwall(UP);
    origin.filters();
}

#[test]
fn up_looks_at_the_interface_only_when_it_is_its_turn() {
    let origin = Origin::up();
    let lock = tests::origin::locked();
    let mut up = origin.site.synwall_command(UP.split(' '));
    let up = up.stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_millis(300));
    // Another command has the lock, and takes the filter off meanwhile.
    fs::remove_file(interface_pins()[0].join("link")).unwrap();
    while origin.xdp_is_on() {
        thread::sleep(Duration::from_millis(5));
    }
    drop(lock);
    let output = up.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    origin.filters();
}

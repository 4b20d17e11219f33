//! `up --confirm`: an administrator who is locked out gets access again, without a running synwall process.

use std::{
    thread,
    time::{Duration, Instant},
};

use tests::origin::{Origin, SOON, objects::Objects};

/// Waits until the attacker is served. Here the attacker stands for an administrator who is locked out.
fn waits_until_it_opens(origin: &Origin) {
    let give_up = Instant::now() + 2 * SOON;
    while origin.json("status --json")["interfaces"][0]["state"] != "overdue" {
        assert!(Instant::now() < give_up, "it never opened");
        thread::sleep(Duration::from_millis(50));
    }
    origin.no_process_of_ours_runs();
    origin.serves_everybody();
}

#[test]
fn unconfirmed_it_passes_everything_again_and_status_says_so() {
    let origin = Origin::new();
    let output = origin.synwall("up eth0 --provider qrator --confirm 2s");
    assert!(output.stderr.contains("synwall confirm"), "{output}");
    origin.filters();
    assert_eq!(origin.interface("eth0")["state"], "unconfirmed");
    origin.synwall("status");
    origin.no_process_of_ours_runs();
    waits_until_it_opens(&origin);
    let status = origin.run("status").exits(1);
    assert!(
        status.stderr.contains("eth0 was not confirmed in time"),
        "{status}"
    );
    let objects = Objects::of(&origin);
    // The next command that changes something detaches the program.
    origin.synwall("trust add 192.0.2.0/24");
    assert_eq!(origin.json("status --json")["interfaces"], serde_json::json!([]));
    let attached = Objects {
        maps: [].into(),
        ..objects
    };
    attached.are_gone(&origin);
    // The filter can be brought up again.
    origin.synwall("up eth0");
    origin.filters();
    assert_eq!(origin.interface("eth0")["state"], "attached");
}

#[test]
fn confirmed_it_stays() {
    let origin = Origin::new();
    origin.synwall("up eth0 --provider qrator --confirm 3s");
    let started = Instant::now();
    let output = origin.synwall("confirm");
    assert!(output.stderr.contains("eth0 stays up"), "{output}");
    let row = origin.interface("eth0");
    assert_eq!(
        (&row["state"], &row["confirm_seconds"]),
        (&"attached".into(), &serde_json::Value::Null)
    );
    origin.run("confirm").exits(1);
    thread::sleep(Duration::from_millis(3200).saturating_sub(started.elapsed()));
    origin.filters();
    assert_eq!(origin.interface("eth0")["state"], "attached");
    assert_eq!(origin.synwall("status").stderr, "");
}

#[test]
fn a_confirmation_that_comes_too_late_is_refused_and_says_why() {
    let origin = Origin::new();
    origin.synwall("up eth0 --provider qrator --confirm 1s");
    waits_until_it_opens(&origin);
    let output = origin.run("confirm").exits(1);
    assert!(output.stderr.contains("the time was over"), "{output}");
    origin.serves_everybody();
}

#[test]
fn a_change_in_between_does_not_stop_the_clock() {
    let origin = Origin::new();
    origin.synwall("up eth0 --provider qrator --confirm 2s");
    origin.synwall("set --drop all");
    origin.synwall("deny add 192.0.2.7");
    origin.synwall("up eth0");
    assert_eq!(origin.interface("eth0")["state"], "unconfirmed");
    origin.filters();
    waits_until_it_opens(&origin);
}

#[test]
fn a_second_interface_is_undone_alone() {
    let origin = Origin::up();
    origin.add_interface("eth1");
    origin.synwall("up eth1 --confirm 1s");
    let give_up = Instant::now() + 2 * SOON;
    while origin.interface("eth1")["state"] != "overdue" {
        assert!(Instant::now() < give_up, "it never opened");
    }
    origin.synwall("status");
    origin.filters();
    origin.synwall("trust add 192.0.2.0/24");
    let status = origin.json("status --json");
    assert_eq!(status["interfaces"].as_array().unwrap().len(), 1);
    origin.filters();
}

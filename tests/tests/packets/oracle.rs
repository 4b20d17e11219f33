//! The program in the kernel agrees with the reference, and with the iptables scripts that it replaces. The frames
//! are random: one part is the same in every run, the other part is new. `cargo xtask fuzz` runs longer. Needs root.

use std::time::Duration;

use filter_common::Reason;
use tests::oracle::{
    Summary,
    netfilter::{self, Script},
    run,
};

/// A limit on the time of a slow machine.
const MOST: Duration = Duration::from_secs(30);

fn agrees(seed: u64, frames: u64) -> Summary {
    let go_on = |summary: &Summary| summary.frames < frames && summary.elapsed() < MOST;
    let summary = run(seed, go_on);
    println!("from seed {seed} on:\n{summary}");
    assert_eq!(
        summary.differences(),
        0,
        "from seed {seed} on, program and reference differ\n{summary}"
    );
    summary
}

#[test]
fn program_and_reference_agree_on_the_same_frames_every_time() {
    let summary = agrees(1, 100_000);
    // A reason that no frame meets is not compared.
    for reason in Reason::ALL {
        assert!(
            summary.expected(reason.name()) > 100,
            "hardly any {}",
            reason.name()
        );
    }
    for pass in [
        "not IP",
        "another protocol",
        "another port",
        "later fragment",
        "trusted",
        "opens nothing",
        "established",
    ] {
        let name = format!("pass: {pass}");
        assert!(summary.expected(&name) > 100, "hardly any that {name}");
    }
}

#[test]
fn program_and_reference_agree_on_other_frames_every_time() {
    agrees(fastrand::u64(..1 << 32), 50_000);
}

fn agrees_with(script: Script) {
    let totals = netfilter::run(script, 1, 12_000);
    println!("{totals}");
    assert!(
        totals.unexplained.is_empty(),
        "program and script differ\n{totals}"
    );
    // The frames reached the rules, and both verdicts occurred.
    for verdict in [
        "untrusted-syn",
        "malformed",
        "fragment",
        "pass: trusted",
        "pass: later fragment",
    ] {
        assert!(totals.verdicts.contains_key(verdict), "no {verdict}\n{totals}");
    }
    let [_, dropped, _] = totals.verdicts["untrusted-syn"];
    let [.., accepted] = totals.verdicts["pass: trusted"];
    assert!(
        dropped > 100 && accepted > 100,
        "hardly any frame came to the rules\n{totals}"
    );
}

#[test]
fn program_and_plain_script_agree() {
    agrees_with(Script::Plain);
}

#[test]
fn program_and_tracking_script_differ_in_what_is_explained_only() {
    agrees_with(Script::Tracking);
}

#[test]
fn no_fragments_that_pass_become_a_syn() {
    agrees_with(Script::Syns);
}

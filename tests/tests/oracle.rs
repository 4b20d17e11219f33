//! The program in the kernel and the reference agree on frames made at random: the same ones each time, and others each
//! time. `cargo xtask fuzz` goes on for longer. Needs root.

use std::time::Duration;

use filter_common::Reason;
use tests::oracle::{Summary, run};

/// Bounds what a slow machine takes.
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
    // What is never met is never compared.
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

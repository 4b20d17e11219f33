//! The program alone: what it takes above a program that only returns `XDP_PASS`, on one frame over and over.

use std::time::Duration;

use super::super::prefixes::Prefixes;
use super::super::programs::{self, Parked};
use super::super::rounds::{self, Pace};
use super::super::sides::{Level, Workshop};
use super::super::traffic::{self, PORT, SHORTEST, STRANGER_V4, Segment, TRUSTED_V4};
use crate::lab::Family;

/// Name and frame.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let v4 = |segment, source, port, length| traffic::frame(Family::V4, segment, source, port, length);
    vec![
        ("SYN, untrusted", v4(Segment::Syn, STRANGER_V4, PORT, SHORTEST)),
        ("SYN, trusted", v4(Segment::Syn, TRUSTED_V4, PORT, SHORTEST)),
        (
            "established data segment",
            v4(Segment::Ack, TRUSTED_V4, PORT, 1_514),
        ),
        ("SYN to another port", v4(Segment::Syn, STRANGER_V4, 22, SHORTEST)),
        ("ARP", traffic::arp()),
        (
            "SYN, IPv6, two extension headers",
            traffic::two_extension_headers(),
        ),
    ]
}

/// All frames, the two programs in turn.
pub fn run(workshop: &mut Workshop, pace: Pace) {
    let list = Prefixes::vendor();
    let side = workshop.synwall(&list, Level::New);
    let Some(id) = side.synwall().map(|synwall| synwall.program_id()) else {
        return;
    };
    let pass = Parked::load("pass_all", &[]);
    let (synwall, pass) = (programs::by_id(id), pass.xdp());
    let slice = Duration::from_millis(10).min(pace.slice);
    for (name, frame) in frames() {
        let samples = side.receiver.namespace.run(|| {
            rounds::stay_on_one_cpu();
            let both = [pass, &synwall];
            let repeats = both.map(|program| {
                let tried = programs::time(program, &frame, 100_000);
                (1e5 * slice.as_secs_f64() / tried.as_secs_f64()) as u32
            });
            rounds::alternate(2, pace.rounds, |kind| {
                let time = programs::time(both[kind], &frame, repeats[kind]);
                Some(time.as_nanos() as f64 / f64::from(repeats[kind]))
            })
        });
        if let (Some(pass), Some(synwall), Some(above)) = (
            samples[0].spread(),
            samples[1].spread(),
            samples[1].above(&samples[0]),
        ) {
            println!("{name:<34} pass {pass:.1} ns, synwall {synwall:.1} ns, above {above:.1} ns");
        }
    }
}

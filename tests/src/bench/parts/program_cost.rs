//! The program alone: its time above a program that only returns `XDP_PASS`, on the same frame again and again.

use std::time::Duration;

use super::Bench;
use crate::bench::comparison::grouped;
use crate::bench::cpu;
use crate::bench::prefixes::Prefixes;
use crate::bench::programs::{self, Parked};
use crate::bench::report::{Table, Wanted};
use crate::bench::rounds::{self, Pace, Samples};
use crate::bench::sides::{Kind, Side};
use crate::bench::traffic::{self, PORT, SHORTEST, STRANGER_V4, Segment, TRUSTED_V4};
use crate::lab::Family;

/// The index of the frame that target 8 is about.
const ESTABLISHED: usize = 2;

/// Each frame with its name.
fn frames() -> [(&'static str, Vec<u8>); 6] {
    let v4 = |segment, source, port, length| traffic::frame(Family::V4, segment, source, port, length);
    [
        ("SYN, untrusted", v4(Segment::Syn, STRANGER_V4, PORT, SHORTEST)),
        ("SYN, trusted", v4(Segment::Syn, TRUSTED_V4, PORT, SHORTEST)),
        ("data of a connection", v4(Segment::Ack, TRUSTED_V4, PORT, 1_514)),
        ("SYN to another port", v4(Segment::Syn, STRANGER_V4, 22, SHORTEST)),
        ("ARP", traffic::arp()),
        (
            "untrusted SYN, IPv6, two extension headers",
            traffic::two_extension_headers(),
        ),
    ]
}

/// Measures all frames with lists of growing length.
pub fn run(bench: &mut Bench) {
    let pass = Parked::load("pass_all", &[]);
    let frames = frames();
    let mut table = Table::new(["frame"]);
    table
        .rows
        .extend(frames.iter().map(|(name, _)| vec![(*name).to_owned()]));
    let mut established = None;
    let lengths: &[usize] = match bench.quick {
        true => &[2, 100_000],
        false => &[2, 1_000, 100_000, 1_000_000],
    };
    for &count in lengths {
        // The target for IPv6 is about 100,000 prefixes.
        let list = match count {
            1_000_000 => Prefixes {
                v6: Prefixes::routed(100_000).v6,
                ..Prefixes::routed(count)
            },
            _ => Prefixes::routed(count),
        };
        let side = bench.workshop.side(Kind::Synwall, &list);
        table
            .columns
            .push(format!("{} prefixes: ns above a pass", grouped(count)));
        for (place, (_, frame)) in frames.iter().enumerate() {
            let samples = measure(&side, &pass, frame, bench.pace);
            let above = samples[1].above(&samples[0]);
            let shown = above.map_or_else(String::new, |above| format!("{above:.1}"));
            table.rows[place].push(shown);
            if place == ESTABLISHED && established.is_none() {
                established = above;
            }
        }
    }
    bench
        .report
        .section("The program alone")
        .text(
            "`BPF_PROG_TEST_RUN` of the attached program on one frame, in turn with a program that only returns \
             `XDP_PASS`, whose time is subtracted. One frame over and over keeps every cache warm and every branch \
             predicted: it tells what instructions cost, not what a flood costs. At 1,000,000 the list has 100,000 prefixes of IPv6.",
        )
        .table(table);
    bench.report.target_in(
        " ns",
        8,
        "data segment of a connection: the program above one that only passes",
        Wanted::AtMost(8.0),
        established,
    );
}

fn measure(side: &Side, pass: &Parked, frame: &[u8], pace: Pace) -> Vec<Samples> {
    let Some(synwall) = side.synwall() else {
        return vec![Samples(Vec::new()); 2];
    };
    let synwall = programs::by_id(synwall.program_id());
    let slice = Duration::from_millis(4).min(pace.slice).as_secs_f64();
    side.receiver.namespace.run(|| {
        cpu::stay_on(cpu::last());
        let both = [pass.xdp(), &synwall];
        let repeats = both.map(|program| {
            let tried = programs::time(program, frame, 100_000);
            (1e5 * slice / tried.as_secs_f64()) as u32
        });
        // The slices are short and many, because no frame is in flight at their end.
        rounds::alternate(2, pace.rounds * 3, |kind| {
            let time = programs::time(both[kind], frame, repeats[kind]);
            Some(time.as_nanos() as f64 / f64::from(repeats[kind]))
        })
    })
}

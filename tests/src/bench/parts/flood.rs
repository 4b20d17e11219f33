//! Floods of SYNs.

use super::super::flood::{Flood, SOURCES};
use super::super::prefixes::Prefixes;
use super::super::rounds::{self, Lane, Pace};
use super::super::sides::{Level, Workshop};
use super::super::traffic::{SHORTEST, STRANGER_V4, Segment, Template};
use crate::lab::Family;

/// The bound, synwall and xdp-filter on IPv4.
pub fn core(workshop: &mut Workshop, pace: Pace) {
    let list = Prefixes::vendor();
    let sides = [
        workshop.bound(),
        workshop.synwall(&list, Level::New),
        workshop.xdp_filter(),
    ];
    let template = || Template::new(Family::V4, Segment::Syn, SHORTEST);
    let random = Flood::new(template(), &list.strangers_v4(24, SOURCES));
    let one = Flood::new(template(), &[STRANGER_V4 as u64]);
    let mut lanes: Vec<_> = sides.iter().map(|side| Lane { side, flood: &random }).collect();
    lanes.push(Lane {
        side: &sides[1],
        flood: &one,
    });
    let samples = rounds::flood(&workshop.sender, &lanes, pace);
    for (lane, samples_of) in lanes.iter().zip(&samples) {
        let undisturbed = samples_of.0.iter().flatten().count();
        if let (Some(ns), Some(ratio)) = (samples_of.spread(), samples[0].relative_to(samples_of)) {
            println!(
                "{:<30} {ns:.0} ns, bound ÷ it {ratio:.3}, rounds {undisturbed}",
                lane.side.name
            );
        }
    }
    if let Some(r) = samples[1].relative_to(&samples[2]) {
        println!("synwall ÷ xdp-filter {r:.3}");
    }
    if let Some(r) = samples[1].relative_to(&samples[3]) {
        println!("random ÷ one source {r:.3}");
    }
}

//! The bench: what a packet costs with synwall, with what it replaces, and at best.
//!
//! It runs in namespaces of its own, and leaves nothing behind.

mod arguments;
mod flood;
mod nic;
mod parts;
mod prefixes;
mod programs;
mod random;
mod rounds;
mod sides;
mod spread;
mod traffic;
mod wires;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use crate::lab::Lab;
use arguments::{Arguments, Part};
use rounds::Pace;
use sides::Workshop;

/// Runs the bench and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let lab = Lab::new();
    let mut workshop = Workshop::new(lab.directory().to_owned());
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { 7 } else { 31 });
    let pace = Pace {
        rounds,
        slice: Duration::from_millis(60),
    };
    if arguments.wants(Part::FloodIpv4) {
        parts::flood::core(&mut workshop, pace);
    }
    if arguments.wants(Part::ProgramCost) {
        parts::program_cost::run(&mut workshop, pace);
    }
    ExitCode::SUCCESS
}

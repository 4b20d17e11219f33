//! The parts of the bench, each of which can be run alone.

pub mod flood;
pub mod honest;
pub mod prefixes;
pub mod program_cost;
pub mod update;

use super::report::Report;
use super::rounds::Pace;
use super::sides::Workshop;

/// What every part works with.
#[derive(Debug)]
pub struct Bench {
    /// Where sides are made.
    pub workshop: Workshop,
    /// How long to measure.
    pub pace: Pace,
    /// As little as shows that it works.
    pub quick: bool,
    /// What is found.
    pub report: Report,
}

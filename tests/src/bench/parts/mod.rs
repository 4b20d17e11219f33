//! The parts of the bench. Each can run alone.

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
    /// Sets up the sides.
    pub workshop: Workshop,
    /// How long to measure.
    pub pace: Pace,
    /// Measure only enough to show that the part works (`--quick`).
    pub quick: bool,
    /// The report that each part adds its results to.
    pub report: Report,
}

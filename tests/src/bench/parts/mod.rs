//! The parts of the bench, each of which can be run alone.

pub mod flood;
pub mod program_cost;

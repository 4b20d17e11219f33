//! Which of the two generations of the lists is in force, and where each of them is pinned.

use aya::maps::{Array, MapData};
use filter_common::GENERATIONS;

use super::{directory::Pins, error::Result, names::GENERATION};
use crate::sys::error::Doing as _;

/// The number of the generation in force: 0 or 1.
pub fn in_force(pins: &Pins) -> Result<u32> {
    let generation: Array<MapData, u32> = pins.map(GENERATION)?;
    let number = generation
        .get(&0, 0)
        .doing(|| "cannot read which generation is in force".into())?;
    Ok(number % GENERATIONS)
}

/// Puts a generation in force, on all interfaces at once. A program reads this number before it looks up any trie.
pub fn put_in_force(pins: &Pins, number: u32) -> Result<()> {
    let mut generation: Array<MapData, u32> = pins.map(GENERATION)?;
    Ok(generation
        .set(0, number, 0)
        .doing(|| format!("cannot put generation {number} in force"))?)
}

/// The name of the directory that a generation is pinned in, below the pin directory.
pub fn directory(number: u32) -> String {
    format!("generation{number}")
}

//! Configurations and frames at random, from a seed. Everything is possible, and what lies next to a boundary of the
//! verdict is likely: lengths that are off by one, addresses at the edges of prefixes, headers that end too early.

mod address;
mod chain;
mod config;
mod fragments;
mod ip;
mod link;
mod mutation;
mod transport;

use fastrand::Rng;

use super::config::Config;

pub use config::config;
pub use fragments::fragments;

/// One in `of`.
fn one_in(random: &mut Rng, of: u32) -> bool {
    random.u32(..of) == 0
}

/// One of several values that are as likely as one another.
fn pick<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

/// A frame for a host that is configured so.
#[must_use]
pub fn frame(random: &mut Rng, config: &Config) -> Vec<u8> {
    let mut frame = link::frame(random, config);
    if one_in(random, 6) {
        mutation::mutate(random, &mut frame);
    }
    frame
}

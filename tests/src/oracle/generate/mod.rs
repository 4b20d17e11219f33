//! Random configurations and frames from a seed. Every frame is possible. Frames near a boundary of the verdict are
//! likely: lengths off by one, addresses at the edges of prefixes, headers that end too early.

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

/// True once in `of` times, on average.
fn one_in(random: &mut Rng, of: u32) -> bool {
    random.u32(..of) == 0
}

/// One of several values, each with the same probability.
fn pick<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())]
}

/// A random frame for a host with this configuration.
#[must_use]
pub fn frame(random: &mut Rng, config: &Config) -> Vec<u8> {
    let mut frame = link::frame(random, config);
    if one_in(random, 6) {
        mutation::mutate(random, &mut frame);
    }
    frame
}

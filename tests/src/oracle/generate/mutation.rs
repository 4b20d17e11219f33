//! Random damage to a frame, for cases that no generator has.

use fastrand::Rng;

use super::pick;

/// `BPF_PROG_TEST_RUN` needs at least an Ethernet header.
const LEAST: usize = 14;
/// Mutations happen in this many first bytes, because the headers are there.
const HEADERS: usize = 160;

/// Makes one to four random changes in a frame.
pub fn mutate(random: &mut Rng, frame: &mut Vec<u8>) {
    for _ in 0..random.usize(1..5) {
        let at = random.usize(12..frame.len().min(HEADERS));
        match random.u32(..8) {
            0 | 1 => frame[at] ^= 1 << random.u32(..8),
            2 => frame[at] = random.u8(..),
            3 => frame[at] = pick(random, &[0, 1, 5, 6, 17, 44, 51, 60, 0x45, 0x60, 0xff]),
            4 => frame.truncate(at.max(LEAST)),
            5 => drop(frame.remove(at)),
            6 => frame.insert(at, random.u8(..)),
            _ => frame.truncate(random.usize(LEAST..=frame.len())),
        }
        frame.resize(frame.len().max(LEAST), 0);
    }
}

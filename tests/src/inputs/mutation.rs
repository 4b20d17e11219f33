//! Mutations of inputs, for test runs without libFuzzer.

use crate::random::Random;

/// Texts that parsers often handle wrongly.
const WORDS: [&[u8]; 20] = [
    b"/",
    b"0",
    b"/0",
    b"/32",
    b"/128",
    b"::",
    b"::ffff:",
    b".",
    b"-",
    b",",
    b"=",
    b"#",
    b"\n",
    b"\r\n",
    b"\x1b[2J",
    "\u{202e}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{85}".as_bytes(),
    b"\0",
    b"\xff",
];

/// Numbers at the edges of their ranges.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0xfff,
    0x1000,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX,
];

/// Mutates a seed in a few places, or joins a part of it with a part of another seed.
pub fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let place = random.below(bytes.len() as u64 + 1) as usize;
        let until = (place + 1 + random.below(8) as usize).min(bytes.len());
        match random.below(7) {
            0 => bytes
                .iter_mut()
                .skip(place)
                .take(1)
                .for_each(|byte| *byte ^= 1 << random.below(8)),
            1 => bytes
                .iter_mut()
                .skip(place)
                .take(8)
                .for_each(|byte| *byte = random.number() as u8),
            2 => drop(bytes.drain(place.min(until)..until)),
            3 => drop(bytes.splice(
                place..place,
                WORDS[random.below(WORDS.len() as u64) as usize].iter().copied(),
            )),
            4 => {
                let edge = EDGES[random.below(EDGES.len() as u64) as usize].to_le_bytes();
                let wide = 1 << random.below(4);
                bytes
                    .iter_mut()
                    .skip(place / wide * wide)
                    .zip(&edge[..wide])
                    .for_each(|(byte, edge)| *byte = *edge);
            }
            5 => {
                let from = random.below(other.len() as u64 + 1) as usize;
                let to = (from + random.below(64) as usize).min(other.len());
                drop(bytes.splice(place..place, other[from..to].iter().copied()));
            }
            _ => bytes.truncate(place.max(bytes.len() / 2)),
        }
    }
    bytes
}

//! Random command lines, in a place where they do no harm.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use tests::{inputs::mutation::mutate, random::Random, thorough};

use crate::hostile::victim::Victim;

const WORDS: [&str; 62] = [
    "up",
    "down",
    "status",
    "confirm",
    "stats",
    "set",
    "trust",
    "deny",
    "retire",
    "add",
    "remove",
    "list",
    "replace",
    "check",
    "help",
    "reasons",
    "prefixes",
    "sources",
    "eth0",
    "lo",
    "-",
    "--",
    "",
    "--json",
    "--all",
    "--for",
    "--label",
    "--force",
    "--trust",
    "--trust-file",
    "--provider",
    "--tcp",
    "--udp",
    "--drop",
    "--observe",
    "--enforce",
    "--sources",
    "--xdp",
    "--confirm",
    "--pin-dir",
    "--help",
    "--version",
    "-h",
    "-V",
    "192.0.2.0/24",
    "2001:db8::/32",
    "185.94.108.7",
    "198.51.100.7/24",
    "0.0.0.0/0",
    "::/0",
    "192.0.2.0/24=office",
    "80,443",
    "none",
    "all",
    "new",
    "qrator",
    "60s",
    "24,48",
    "auto",
    "generic",
    "/sys/fs/bpf/synwall",
    "/dev/null",
];

/// Valid commands. The test changes one of their words at a time.
const LINES: [&str; 14] = [
    "up eth0 --provider qrator --tcp 80 --udp 443 --drop all",
    "up eth0 --trust 192.0.2.0/24=office --sources 24,48 --xdp generic",
    "up eth0 --trust-file /dev/null --observe",
    "trust add 192.0.2.0/24 --label office --for 20m",
    "trust remove 192.0.2.0/24",
    "trust replace /dev/null",
    "trust check 192.0.2.1 --json",
    "deny add 198.51.100.66",
    "retire add 203.0.113.10 --label former",
    "stats sources --json",
    "set --drop unestablished --tcp 1-65535",
    "status --json --pin-dir /sys/fs/bpf/synwall",
    "down eth0",
    "down --all --pin-dir /sys/fs/bpf/other",
];

/// Bytes that a terminal would obey, bytes that are not UTF-8, and texts that are too long.
fn nasty(random: &mut Random) -> Vec<u8> {
    match random.below(10) {
        0 => b"\x1b[2J\x1b]0;title\x07".to_vec(),
        1 => "\u{202e}\u{9b}2J\u{61c}".into(),
        2 => b"\xff\xfe".to_vec(),
        3 => vec![b'x'; random.below(5000) as usize],
        4 => b"a\nb\rc\td".to_vec(),
        5 => b"--\x1b[2J=\xff".to_vec(),
        6 => (0..random.below(40))
            .map(|_| 1 + random.below(255) as u8)
            .collect(),
        7 => "ü".repeat(random.below(3000) as usize).into(),
        8 => b"-".to_vec(),
        _ => Vec::new(),
    }
}

fn line(random: &mut Random) -> Vec<OsString> {
    let word = |random: &mut Random| {
        WORDS[random.below(WORDS.len() as u64) as usize]
            .as_bytes()
            .to_vec()
    };
    let mut words: Vec<Vec<u8>> = if random.below(3) == 0 {
        (0..random.below(7)).map(|_| word(random)).collect()
    } else {
        let line = LINES[random.below(LINES.len() as u64) as usize];
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    };
    for _ in 0..random.below(3) {
        let place = random.below(words.len() as u64 + 1) as usize;
        let other = word(random);
        match random.below(6) {
            0 => words.insert(place, nasty(random)),
            1 => words.insert(place, other),
            2 => drop((place < words.len()).then(|| words.remove(place))),
            _ if place == words.len() => words.push(nasty(random)),
            3 => words[place] = nasty(random),
            4 => words[place].extend(nasty(random)),
            _ => words[place] = mutate(&words[place].clone(), &other, random),
        }
    }
    // An argument cannot contain a NUL byte.
    words.iter_mut().for_each(|word| word.retain(|byte| *byte != 0));
    words.into_iter().map(OsString::from_vec).collect()
}

#[test]
fn any_command_line_is_answered_or_refused_in_words_fit_for_a_terminal() {
    let victim = Victim::new();
    let seed = fastrand::u64(1..1 << 32);
    for (seed, times) in [(1, 1), (seed, 1)] {
        let mut random = Random::new(seed);
        for number in 0..times * if thorough() { 20_000 } else { 300 } {
            let line = line(&mut random);
            println!("seed {seed}, line {number}: {line:?}");
            victim.run_with(line);
        }
    }
}

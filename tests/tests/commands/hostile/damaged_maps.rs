//! Pinned maps with any content, as another version, another tool or a killed command may leave it.

use std::path::Path;

use tests::{random::Random, thorough};

use crate::hostile::{
    map::Pinned,
    victim::{PINS, Victim},
};

/// Every command; the commands that only read come first.
const COMMANDS: [&str; 24] = [
    "status",
    "status --json",
    "trust list",
    "trust list --json",
    "deny list",
    "retire list --json",
    "trust check 185.94.108.1",
    "trust check 192.0.2.1 --json",
    "deny check 2001:db8:94::1",
    "stats",
    "stats --json",
    "trust add 192.0.2.0/25 --label more",
    "trust add 2001:db8:7::/48 --for 1h",
    "trust remove 192.0.2.0/24",
    "deny add 198.51.100.0/24",
    "deny remove 198.51.100.66",
    "retire add 203.0.113.98 203.0.113.97",
    "retire remove 203.0.113.99",
    "trust replace /run/laboratory/list",
    "set --drop all --tcp 80,443,8443",
    "set --observe",
    "confirm",
    "up eth0 --trust 192.0.2.64/26",
    "down eth0",
];

/// Damages a filter repeatedly, and runs commands on it. A new filter replaces it now and then.
fn damage(seed: u64, rounds: u64) {
    let victim = Victim::new();
    std::fs::write(
        "/run/laboratory/list",
        "185.94.108.0/24 qrator\n198.51.100.0/25\n2001:db8::/32 all\n",
    )
    .unwrap();
    let mut random = Random::new(seed);
    for round in 0..rounds {
        victim.up();
        for _ in 0..=random.below(4) {
            let mut maps = Pinned::all(Path::new(PINS));
            maps.retain(|map| !map.path.ends_with("layout"));
            // The log of a failed test then shows the last changes.
            for _ in 0..=random.below(6) {
                // Commands read mostly from the generations.
                if random.below(2) == 0 {
                    maps.retain(|map| map.path.to_string_lossy().contains("/generation"));
                }
                let map = &maps[random.below(maps.len() as u64) as usize];
                println!("seed {seed}, round {round}: {}", map.damage(&mut random));
            }
            let any = || COMMANDS[random.below(COMMANDS.len() as u64) as usize];
            let others: Vec<&str> = std::iter::repeat_with(any).take(3).collect();
            // These two commands read every map.
            for command in ["stats --json", "trust check 192.0.2.1"]
                .into_iter()
                .chain(others)
            {
                println!("{}", victim.run(command));
            }
        }
        victim.down();
    }
    // A new filter is not affected by the damage before.
    victim.up();
    victim.run("trust check 185.94.108.1").ok();
    victim.down();
}

fn rounds() -> u64 {
    if thorough() { 5_000 } else { 24 }
}

#[test]
fn commands_answer_over_damaged_maps_the_same_ones_every_time() {
    damage(1, rounds());
}

#[test]
fn commands_answer_over_damaged_maps_others_every_time() {
    damage(fastrand::u64(1..1 << 32), rounds());
}

#[test]
fn a_damaged_layout_is_refused_and_a_mended_one_is_taken_down() {
    let victim = Victim::new();
    let mut random = Random::new(2);
    for _ in 0..if thorough() { 500 } else { 10 } {
        victim.up();
        let layout = Pinned::open(&Path::new(PINS).join("layout"));
        let before = layout.get(&[0; 4]).expect("a layout");
        println!("{}", layout.damage(&mut random));
        for command in COMMANDS {
            println!("{}", victim.run(command));
        }
        assert!(layout.set(&[0; 4], &before));
        victim.down();
    }
}

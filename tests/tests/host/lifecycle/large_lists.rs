//! Large lists: what they cost in memory, and that counters live through every change of them.

use std::{fmt::Write as _, fs, path::Path, process::Command, thread, time::Duration};

use aya::maps::{MapInfo, MapType};

use tests::origin::{Origin, PINS, pins};

/// Prefixes spread over the whole address space of both versions, and the proxy's.
fn list(origin: &Origin, name: &str, prefixes: u32, seed: u64) -> String {
    // Repeatable random numbers: xorshift64.
    let mut state = seed;
    let mut text = String::from("185.94.108.0/24 qrator\n");
    for _ in 0..prefixes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let [a, b, c, ..] = state.to_be_bytes();
        // The prefixes come from 16,777,216 /24s and as many /40s. Some appear twice, which is not an error.
        if state.is_multiple_of(4) {
            writeln!(text, "2a{a:02x}:{b:02x}{c:02x}:{:02x}00::/40", state as u8).expect("a string grows");
        } else if a != 185 && a != 198 {
            writeln!(text, "{a}.{b}.{c}.0/24").expect("a string grows");
        }
    }
    let path = origin.site.lab.directory().join(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// Bytes of the filter's arrays. They grow with its lists.
fn bytes_of_arrays() -> u64 {
    let pinned = pins(Path::new(PINS));
    let maps = pinned
        .iter()
        .filter(|path| path.is_file() && !path.ends_with("link"));
    maps.map(|path| {
        let info = MapInfo::from_pin(path).expect("a map");
        match info.map_type() {
            Ok(MapType::Array) => u64::from(info.value_size()) * u64::from(info.max_entries()),
            _ => 0,
        }
    })
    .sum()
}

#[test]
fn a_prefix_takes_little_memory_in_the_kernel() {
    let origin = Origin::up();
    let empty = bytes_of_arrays();
    for (name, seed) in [("first", 1), ("second", 2)] {
        origin.synwall(&format!("trust replace {}", list(&origin, name, 100_000, seed)));
        let prefixes = origin.json("status --json")["trusted"].clone();
        let prefixes = prefixes["v4"].as_u64().unwrap() + prefixes["v6"].as_u64().unwrap();
        assert!(prefixes > 90_000, "{prefixes}");
        // A record of 64 bytes, a counter of 32, and one in sixteen more to grow. Some prefixes of the second list
        // are in the first one, all over it. They keep their places, and with them the pages of that list.
        let each = (bytes_of_arrays() - empty) / prefixes;
        let most = if seed == 1 { 110 } else { 2 * 110 };
        assert!(each <= most, "{each} bytes for each prefix");
    }
    // The first list is gone, except for its counters.
    let tables = |path: &&std::path::PathBuf| path.ends_with("entries");
    assert_eq!(pins(Path::new(PINS)).iter().filter(tables).count(), 1);
    origin.filters();
}

/// Runs a command and returns the largest memory that it had, in KiB, as far as it was seen. What wait4 tells of a child is no
/// less than the memory of this process, from which it was forked.
fn peak_memory(command: &mut Command) -> u64 {
    let mut child = command.spawn().expect("a command");
    let mut most = 0;
    let status = loop {
        if let Some(status) = child.try_wait().expect("our own process") {
            break status;
        }
        let seen = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let field = |name: &str| {
            seen.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::trim)
        };
        // Before that, it is still a copy of this process.
        if field("Name:") == Some("synwall") {
            let peak = field("VmHWM:").and_then(|peak| peak.strip_suffix(" kB")?.parse().ok());
            most = most.max(peak.unwrap_or(0));
        }
        thread::sleep(Duration::from_millis(2));
    };
    assert!(status.success(), "{status}");
    assert_ne!(most, 0, "nothing was seen of it");
    most
}

#[test]
fn replacing_a_large_list_takes_little_memory() {
    // The largest of all commands is to be one of this test's.
    if !crate::apart::process("lifecycle::large_lists::replacing_a_large_list_takes_little_memory") {
        return;
    }
    let origin = Origin::up();
    let lists = [3, 4].map(|seed| list(&origin, &format!("list-{seed}"), 200_000, seed));
    for path in &lists {
        let most = peak_memory(&mut origin.site.synwall_command(["trust", "replace", path]));
        // 400 MB for a million are 80 for these.
        assert!(most < 100 * 1024, "{most} KiB");
    }
    origin.filters();
}

#[test]
fn counters_go_on_through_every_change() {
    const PROXY: &str = "185.94.108.0/24";
    let origin = Origin::up();
    let mut served = 0;
    let mut serve = || {
        origin.serves_the_proxy();
        served += 1;
        assert_eq!(origin.packets_on("trust", PROXY), served);
    };
    serve();
    for change in [
        "trust add 192.0.2.0/24",
        "trust add 185.94.108.0/24 --label other",
        "trust add 185.94.108.0/24 --for 1h",
        "trust remove 192.0.2.0/24",
        "trust add 192.0.2.0/24 192.0.3.0/24",
        "trust add 185.94.108.0/24",
    ] {
        origin.synwall(change);
        serve();
    }
    for (name, prefixes, seed) in [("a", 20_000, 5), ("b", 10_000, 6), ("c", 3, 7), ("d", 10_000, 8)] {
        origin.synwall(&format!("trust replace {}", list(&origin, name, prefixes, seed)));
        serve();
    }
}

#[test]
fn a_prefix_that_comes_back_begins_at_zero() {
    let origin = Origin::up();
    origin.synwall("trust add 0.0.0.0/1 128.0.0.0/2");
    for _ in 0..3 {
        // The prefix gets the slot of the one before, and with it the old content of the counter.
        origin.synwall("trust add 185.94.108.10");
        assert_eq!(origin.packets_on("trust", "185.94.108.10/32"), 0);
        origin.serves_the_proxy();
        origin.serves_the_proxy();
        assert_eq!(origin.packets_on("trust", "185.94.108.10/32"), 2);
        assert_eq!(origin.packets_on("trust", "185.94.108.0/24"), 0);
        origin.synwall("trust remove 185.94.108.10");
    }
    // The counter also starts at zero after a whole list without the prefix.
    origin.serves_the_proxy();
    assert_eq!(origin.packets_on("trust", "185.94.108.0/24"), 1);
    origin
        .site
        .synwall_with_input(["trust", "replace", "-"], "185.94.0.0/16\n")
        .ok();
    origin
        .site
        .synwall_with_input(["trust", "replace", "-"], "185.94.108.0/24\n")
        .ok();
    assert_eq!(origin.packets_on("trust", "185.94.108.0/24"), 0);
    origin.filters();
}

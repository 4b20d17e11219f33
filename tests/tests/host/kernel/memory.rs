//! The kernel memory that a list takes, as the kernel reports it.

use std::{
    fmt::Write as _,
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
    path::Path,
};

use aya::maps::MapData;
use tests::{
    kernel::fact,
    origin::{Origin, PINS, pins},
};

const PREFIXES: usize = 20_000;

#[test]
fn a_list_takes_less_than_a_kilobyte_for_each_prefix() {
    let origin = Origin::up();
    let without = locked();
    let mut list = String::from("185.94.108.0/24\n");
    for number in 1..PREFIXES {
        let [a, b] = (number as u16).to_be_bytes();
        writeln!(list, "10.{a}.{b}.0/24").expect("a string grows");
    }
    let path = origin.site.lab.directory().join("list");
    fs::write(&path, list).expect("a file");
    origin.synwall(&format!("trust replace {}", path.display()));
    assert_eq!(origin.list("trust").len(), PREFIXES);
    let each = locked().saturating_sub(without) / PREFIXES as u64;
    // A record of 64 bytes, a counter, and nodes of a trie. Before Linux 5.11, a trie counts with its full size from
    // the start.
    assert!((64..1024).contains(&each), "{each} bytes for each prefix");
    fact(
        "memory of a filter with one prefix",
        format!("{} MiB", without >> 20),
    );
    fact("memory for each of 20,000 prefixes", format!("{each} B"));
    origin.filters();
}

/// Bytes of all maps of the filter.
fn locked() -> u64 {
    let files = pins(Path::new(PINS)).into_iter();
    let maps = files.filter(|path| path.is_file() && !path.ends_with("link"));
    maps.map(|path| {
        let map = MapData::from_pin(&path).expect("a map");
        let descriptor = map.fd().as_fd().as_raw_fd();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).expect("what it is");
        let line = info.lines().find_map(|line| line.strip_prefix("memlock:"));
        line.and_then(|bytes| bytes.trim().parse::<u64>().ok())
            .expect("what it takes")
    })
    .sum()
}

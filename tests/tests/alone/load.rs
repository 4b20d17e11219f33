//! A flood at full speed while the lists keep changing. Every packet must be counted once, memory use must stay the
//! same, and the kernel must log no warning. It takes eight seconds; with `cargo xtask test --thorough load`, ten
//! minutes.
//!
//! Nothing else runs while memory is measured. Needs root, nginx and bpftool.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    sync::atomic::AtomicBool,
    thread,
    time::{Duration, Instant},
};

use tests::{
    lab::{Ended, Family, Flood, Namespace, Output, Site},
    origin::{Origin, UP, objects::Objects},
    random::Random,
    thorough,
};

const PROXY: &str = "185.94.108.0/24";

/// How much kernel memory may differ, in KiB: caches, and memory that is about to be freed. The filter's maps must
/// not differ at all.
const SLACK: u64 = 64 * 1024;

/// A counter of an interface, from its driver.
fn of_interface(namespace: &Namespace, interface: &str, direction: &str, counter: &str) -> u64 {
    let mut ip = namespace.command("ip");
    let link = Output::of(ip.args(["-json", "-statistics", "link", "show", interface])).json();
    link[0]["stats64"][direction][counter].as_u64().expect("a number")
}

/// Frames that arrived at the origin's `eth0`.
fn received(origin: &Origin) -> u64 {
    of_interface(origin.site.origin.namespace(), "eth0", "rx", "packets")
}

/// Frames lost on the way to the origin. With too few CPUs for sender and receiver, a queue overflows.
fn lost(origin: &Origin) -> u64 {
    let Site {
        attacker,
        origin,
        wire,
        ..
    } = &origin.site;
    of_interface(attacker.namespace(), "eth0", "tx", "dropped")
        // The bridge port of the origin.
        + of_interface(wire.namespace(), "port1", "tx", "dropped")
        + of_interface(origin.namespace(), "eth0", "rx", "dropped")
}

/// The packets that the filter itself has counted.
#[derive(Debug, Clone, Copy)]
struct Counted {
    untrusted_syns: u64,
    passed: u64,
    dropped: u64,
    from_the_proxy: u64,
}

impl Counted {
    fn now(origin: &Origin) -> Self {
        let stats = origin.json("stats --json");
        let packets = |table: &str, key: &str, wanted: &str| -> u64 {
            let rows = stats[table].as_array().expect("rows").iter();
            let rows = rows.filter(|row| row[key] == wanted);
            rows.map(|row| row["packets"].as_u64().expect("a number")).sum()
        };
        let status = origin.json("status --json");
        Self {
            untrusted_syns: packets("reasons", "reason", "untrusted-syn"),
            passed: status["packets"]["passed"].as_u64().expect("a number"),
            dropped: status["packets"]["dropped"].as_u64().expect("a number"),
            from_the_proxy: packets("prefixes", "prefix", PROXY),
        }
    }
}

/// Memory that the kernel uses for itself, in KiB.
fn kernel_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").expect("memory");
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace()
            .nth(1)
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a number")
    };
    field("SUnreclaim:") + field("VmallocUsed:") + field("Percpu:") + field("KernelStack:")
}

/// Bytes of the filter's maps.
fn map_memory(origin: &Origin) -> u64 {
    let ours = Objects::of(origin).maps;
    let mut bpftool = origin.site.origin.command("bpftool");
    let all = Output::of(bpftool.args(["-j", "map", "show"])).json();
    let all = all.as_array().expect("maps").iter();
    all.filter(|map| map["id"].as_u64().is_some_and(|id| ours.contains(&id)))
        .filter_map(|map| map["bytes_memlock"].as_u64())
        .sum()
}

/// The kernel's log from now on.
fn kernel_messages() -> File {
    let mut messages = File::options()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/kmsg")
        .expect("the kernel's messages");
    messages.seek(SeekFrom::End(0)).expect("their end");
    messages
}

/// The messages at level warning or worse. A record begins with its facility and level
/// (Documentation/ABI/testing/dev-kmsg).
fn warnings(mut messages: File) -> Vec<String> {
    let mut found = Vec::new();
    let mut record = [0; 8192];
    while let Ok(length) = messages.read(&mut record) {
        let text = String::from_utf8_lossy(&record[..length]).into_owned();
        let level = text.split(',').next().and_then(|level| level.parse::<u32>().ok());
        if length == 0 {
            break;
        }
        if level.is_some_and(|level| level & 7 <= 4) {
            found.push(text);
        }
    }
    found
}

/// A random list that includes the proxy's network.
fn list(random: &mut Random, prefixes: u32) -> String {
    let mut text = format!("{PROXY} qrator\n");
    for _ in 0..prefixes {
        let number = random.number();
        // No source of the flood is in 10.0.0.0/8.
        writeln!(text, "10.{}.{}.0/24", number >> 8 & 255, number >> 16 & 255).expect("a string grows");
    }
    text
}

/// The filter's counters and the interface's counter, read while no frame arrived. Hosts send neighbour discovery now
/// and then.
fn at_rest(origin: &Origin) -> (Counted, u64) {
    loop {
        let (first, counted) = (received(origin), Counted::now(origin));
        if received(origin) == first {
            return (counted, first);
        }
    }
}

#[test]
fn every_packet_of_a_long_flood_is_counted_once_whatever_is_done_to_the_lists() {
    let _alone = crate::alone();
    let time = Duration::from_secs(if thorough() { 600 } else { 8 });
    let origin = Origin::new();
    let messages = kernel_messages();
    origin.synwall(UP);
    origin.synwall("set --drop unestablished");
    let mut random = Random::new(7);
    let mut replace = |prefixes: u32| {
        let text = list(&mut random, prefixes);
        origin
            .site
            .synwall_with_input(["trust", "replace", "-"], &text)
            .ok();
    };
    // After this, both generations have been in use, and maps that only grow once have grown.
    for prefixes in [20_000, 20_000, 20_000, 20_000, 0] {
        replace(prefixes);
    }

    let (memory, maps) = (kernel_memory(), map_memory(&origin));
    let ((before, first), lost_before) = (at_rest(&origin), lost(&origin));
    let mut changes = 0;
    let (sent, watched) = origin.watched(|| {
        let ended = AtomicBool::new(false);
        thread::scope(|scope| -> u64 {
            let end = Ended(&ended);
            let floods: Vec<_> = [Family::V4, Family::V6]
                .into_iter()
                .map(|family| {
                    let (origin, ended) = (&origin, &ended);
                    let flood =
                        Flood::to(origin.site.origin.endpoint(family, 443)).own_address_in_one_of(1000);
                    let flood = flood.frames(u64::MAX).lasting(2 * time);
                    scope.spawn(move || flood.run(&origin.site.attacker, ended).frames)
                })
                .collect();
            let started = Instant::now();
            while started.elapsed() < time {
                match changes % 8 {
                    0 => replace(20_000),
                    1 => drop(origin.synwall("deny add 10.250.2.0/25 2001:db8:7::/48")),
                    2 => drop(origin.synwall("trust add 10.250.2.128/25 --label office --for 1h")),
                    3 => drop(origin.synwall("set --drop all")),
                    4 => replace(300),
                    5 => drop(origin.synwall("deny remove 10.250.2.0/25 2001:db8:7::/48")),
                    6 => drop(origin.synwall("set --drop unestablished")),
                    _ => drop(origin.synwall("trust add 10.250.3.0/24")),
                }
                changes += 1;
            }
            drop(end);
            floods
                .into_iter()
                .map(|flood| flood.join().expect("a flood"))
                .sum()
        })
    });
    let (sent, visits) = (sent + watched.syns, watched.visits);

    // The last segments of the visits may still be on their way.
    thread::sleep(Duration::from_millis(500));
    let ((now, last), lost) = (at_rest(&origin), lost(&origin) - lost_before);
    println!(
        "{sent} untrusted SYNs, {lost} lost on the way; {visits} SYNs of the proxy; {changes} changes of the filter"
    );
    println!("{before:?}, {now:?}, {} received", last - first);
    let all = now.passed + now.dropped - before.passed - before.dropped;
    assert_eq!(all, last - first, "counted, and received by the interface");
    let dropped = now.dropped - before.dropped;
    assert_eq!(
        dropped,
        now.untrusted_syns - before.untrusted_syns,
        "nothing but SYNs was dropped"
    );
    // An overflowing queue drops any frame, so frames of the proxy's visits may be lost, too.
    let from_the_proxy = now.from_the_proxy - before.from_the_proxy;
    assert!(
        dropped <= sent && from_the_proxy <= visits && sent - dropped + visits - from_the_proxy <= lost,
        "{dropped} of {sent} and {from_the_proxy} of {visits} were counted"
    );

    replace(0);
    origin.site.synwall_with_input(["deny", "replace", "-"], "").ok();
    let (memory_now, maps_now) = (kernel_memory(), map_memory(&origin));
    println!("kernel memory {memory} and {memory_now} KiB, maps {maps} and {maps_now} bytes");
    assert!(maps_now <= maps, "maps took {maps} bytes and take {maps_now}");
    assert!(
        memory_now < memory + SLACK,
        "the kernel took {memory} KiB and takes {memory_now}"
    );
    let warnings = warnings(messages);
    assert!(warnings.is_empty(), "{warnings:?}");
    origin.filters();
}

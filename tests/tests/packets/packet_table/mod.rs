//! The packet table: what synwall does with each kind of packet. Every row runs through the real program in the real
//! kernel. Each module of rows is one part of the contract in `docs/design.md`, sections "The verdict, packet by
//! packet" and "No way around it". The names of the rows state the contract. Needs root.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod budget;
mod config;
mod coverage;
mod extension;
mod filter;
mod flood;
mod frame;
mod packet;
mod row;
mod rows;
mod sockets;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    iter,
    path::PathBuf,
    sync::Mutex,
    thread,
};

use filter_user::sys::preflight::{Version, has_frags, kernel_version};
use tests::{kernel::skipped, lab::Lab};

use crate::packet_table::{
    filter::{Filter, Way},
    row::Row,
    sockets::Sockets,
};

#[test]
fn every_packet_meets_its_verdict() {
    if !has_frags(kernel_version().expect("the kernel's version")) {
        return skipped("the kernel has no frames of several buffers");
    }
    check(&[Way::Frags]);
}

#[test]
fn every_packet_meets_its_verdict_on_kernels_without_frags() {
    check(&[Way::OneBuffer]);
}

#[test]
fn every_packet_meets_its_verdict_wherever_its_first_buffer_ends() {
    // Older kernels fill the first buffer and take no other size for it.
    if kernel_version().expect("the kernel's version") < Version(6, 18) {
        return skipped("the kernel cannot be told where the first buffer of a test frame is to end");
    }
    // The first buffer ends after the Ethernet header, inside or after the IP header, inside TCP's header, or after
    // it.
    check(&[14, 15, 33, 34, 47, 54, 60].map(Way::Scattered));
}

#[test]
fn the_table_has_many_rows_and_no_name_twice() {
    let rows = rows::all();
    assert!(rows.len() >= 120, "{} rows", rows.len());
    let mut names = BTreeSet::new();
    for row in &rows {
        assert!(names.insert(&row.name), "'{}' is there twice", row.name);
        assert!(!row.frames.is_empty(), "'{}' has no frames", row.name);
    }
}

/// Runs every row, and fails with a list of the wrong ones.
fn check(ways: &[Way]) {
    let lab = Lab::new();
    let host = sockets::host();
    let wrong: Vec<String> = host.run(|| {
        let _sockets = Sockets::open();
        let rows = rows::all();
        let mut by_config: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            // Rows with a connection in TIME_WAIT come first: this state lasts one minute. On a slow machine, all
            // other rows of their configuration would take longer than that.
            let can_wait = !row.name.contains("TIME_WAIT");
            by_config
                .entry((can_wait, row.config.name))
                .or_default()
                .push(row);
        }
        // Each configuration has a filter of its own, so two can be at work.
        let waiting = Mutex::new(by_config.into_values().enumerate());
        let next = || waiting.lock().expect("configurations").next();
        let work = || {
            let of_config = |(number, rows): (usize, Vec<&Row>)| wrong_rows(number, &rows, ways);
            iter::from_fn(next).flat_map(of_config).collect::<Vec<_>>()
        };
        thread::scope(|scope| {
            let other = scope.spawn(work);
            let mut wrong = work();
            wrong.extend(other.join().expect("the other half"));
            wrong
        })
    });
    drop(lab);
    assert!(
        wrong.is_empty(),
        "{} frames met another verdict\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Runs the rows of one configuration, and describes the wrong ones.
fn wrong_rows(number: usize, rows: &[&Row], ways: &[Way]) -> Vec<String> {
    let path = PathBuf::from(format!("/sys/fs/bpf/synwall{number}"));
    let mut filter = Filter::new(&path, &rows[0].config, ways[0]);
    let mut wrong = Vec::new();
    for row in rows {
        for (number, frame) in row.frames.iter().enumerate() {
            for way in ways {
                filter.way = *way;
                if !filter.takes(frame) {
                    continue;
                }
                let expected = filter.should(frame, row.expect);
                let seen = filter.judge(frame);
                if seen != expected {
                    let dump = hexdump(&frame.bytes);
                    let name = &row.name;
                    wrong.push(format!(
                        "{name} (frame {number}, {way:?})\n  expected {expected}\n  seen     {seen}\n{dump}"
                    ));
                }
            }
        }
    }
    wrong
}

/// A hex dump with sixteen bytes a line, long enough for the headers.
fn hexdump(bytes: &[u8]) -> String {
    const MOST: usize = 160;
    let mut dump = String::new();
    for (at, line) in bytes[..bytes.len().min(MOST)].chunks(16).enumerate() {
        write!(dump, "    {:04x} ", 16 * at).expect("a string grows");
        for byte in line {
            write!(dump, " {byte:02x}").expect("a string grows");
        }
        dump.push('\n');
    }
    if bytes.len() > MOST {
        writeln!(dump, "    … {} bytes in all", bytes.len()).expect("a string grows");
    }
    dump
}

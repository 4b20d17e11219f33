//! Crafted packets that no scanner sends, one method after another: what the origin answers at each level.

mod about_ports;
mod other;

pub use about_ports::extension;

use std::{collections::BTreeMap, time::Duration};

use tests::lab::{Family, Host, frame::Endpoint};

use crate::scanners::{
    answer::Answer,
    document,
    level::{All, Level, New, Observe, Unestablished},
    packet::Packet,
    scanned::{SETTLED, Scanned, at_each_level, modes, side_by_side},
};

/// One method: its name in the table, its versions of IP, and its packets in the order of sending.
pub struct Way {
    name: &'static str,
    families: &'static [Family],
    /// The open and the closed port.
    ports: (u16, u16),
    packets: fn(Endpoint, Endpoint) -> Vec<Packet>,
}

const V4: &[Family] = &[Family::V4];
const V6: &[Family] = &[Family::V6];

/// Longer than the origin keeps an incomplete packet.
const GIVEN_UP: Duration = Duration::from_millis(2500);

/// The first answer of the origin after the packets of one method.
fn answer(scanned: &Scanned, from: &Host, family: Family, way: &Way, port: u16) -> Option<Answer> {
    let (source, to) = (
        from.endpoint(family, 41_000 + port % 1000),
        scanned.site.origin.endpoint(family, port),
    );
    let packets = (way.packets)(source, to);
    let capture = from.capture();
    from.send_frames(packets.iter().map(Packet::frame));
    let is_half = way.name.contains("and nothing more");
    let time = if is_half { GIVEN_UP } else { SETTLED };
    let heard = scanned.heard_within(time, from, &capture);
    heard.first().map(Answer::of)
}

/// The answers from the open and the closed port, for each method and version of IP.
fn try_all(mode: &str, level: Level, ways: &[Way]) -> BTreeMap<(usize, bool), [Option<Answer>; 2]> {
    let runs = runs(ways);
    let seen = side_by_side(mode, level, &runs, |scanned, from, (number, family)| {
        let way = &ways[*number];
        [way.ports.0, way.ports.1].map(|port| answer(scanned, from, *family, way, port))
    });
    let keys = runs
        .into_iter()
        .map(|(number, family)| (number, family == Family::V4));
    keys.zip(seen).collect()
}

fn runs(ways: &[Way]) -> Vec<(usize, Family)> {
    let each = ways.iter().enumerate();
    each.flat_map(|(number, way)| way.families.iter().map(move |family| (number, *family)))
        .collect()
}

/// Tries all methods at all levels, and compares the results with the document.
fn compare(mode: &str, ways: &[Way], may_be_answered: bool) {
    let seen = at_each_level(|level| try_all(mode, level, ways));
    let mut rows = Vec::new();
    for (number, family) in runs(ways) {
        let name = ways[number].name;
        let cells = |level: Level| {
            seen[&level][&(number, family == Family::V4)]
                .clone()
                .map(|answer| answer.map_or("–".to_owned(), |answer| answer.word))
        };
        assert_eq!(cells(Unestablished), cells(All), "{name}");
        let silent = cells(All);
        assert!(
            may_be_answered || silent == ["–", "–"],
            "{name} is answered: {silent:?}"
        );
        let ip = if family == Family::V4 { "4" } else { "6" };
        let cells = [Observe, New, All].map(|level| both_ports(cells(level)));
        rows.push([vec![name.to_owned(), ip.to_owned()], cells.into()].concat());
    }
    let head = [
        "packets",
        "IP",
        "nothing dropped",
        "`new`",
        "`unestablished` and `all`",
    ];
    document::has(&document::table(&head, &document::merged(rows)));
}

/// The results for the open and the closed port, in one cell.
fn both_ports([open, closed]: [String; 2]) -> String {
    if open == closed {
        open
    } else {
        format!("open: {open}; closed: {closed}")
    }
}

#[test]
fn nothing_that_goes_to_a_protected_port_is_answered_at_the_silent_levels() {
    modes()
        .iter()
        .for_each(|mode| compare(mode, &about_ports::ways(), false));
}

#[test]
fn what_goes_to_no_protected_port_is_answered_as_if_there_were_no_filter() {
    modes()
        .iter()
        .for_each(|mode| compare(mode, &other::ways(), true));
}

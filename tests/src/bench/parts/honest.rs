//! Requests of a trusted client: nginx behind each side, wrk as the client, without and with a flood.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Bench;
use super::flood::from_anywhere;
use crate::bench::chart::{Bar, Chart};
use crate::bench::comparison::plain;
use crate::bench::flood::Flood;
use crate::bench::prefixes::Prefixes;
use crate::bench::report::{Table, Wanted};
use crate::bench::rounds::{Samples, alternate};
use crate::bench::sides::{Kind, Side, Workshop};
use crate::bench::traffic::{SHORTEST, Segment};
use crate::bench::wires::{INTERFACE, RECEIVER_MAC, Sender, shown};
use crate::bench::{cpu, wrk};
use crate::lab::{Family, Host, Nginx};

/// Packets a second of the flood: about what the slowest side can drop on one CPU.
const RATE: u32 = 400_000;
/// The flood comes in portions of this length, like the interrupts of a busy card.
const PORTION: Duration = Duration::from_millis(2);

const FLOODED: [Kind; 7] = [
    Kind::Pass,
    Kind::XdpFilter,
    Kind::Synwall,
    Kind::Plain,
    Kind::NftIngress,
    Kind::NftPrerouting,
    Kind::Ipset,
];

/// A side with a web server, and an address that leads to it.
struct Origin {
    // The web server ends before the side does.
    _nginx: Nginx,
    url: String,
    side: Side,
}

/// Measures requests without a flood and with one.
pub fn run(bench: &mut Bench) {
    let list = Prefixes::vendor();
    let origins: Vec<Origin> = (1..)
        .zip(FLOODED)
        .map(|(number, kind)| origin(&mut bench.workshop, number, kind, &list))
        .collect();
    let sender = &bench.workshop.sender;

    let rounds = if bench.quick { 3 } else { 25 };
    let pair = [&origins[0], &origins[2]];
    // The first requests pay for what nginx and the kernel set up.
    for origin in pair {
        let _ = requests(sender, origin);
    }
    let mut p99 = [Vec::new(), Vec::new()];
    let calm = alternate(2, rounds, |kind| {
        let requests = requests(sender, pair[kind]);
        p99[kind].push(Some(requests.p99));
        Some(requests.per_second)
    });
    let mut table = Table::new(["", "requests/s", "p99, ms", "requests ÷ without"]);
    for ((origin, per_second), p99) in pair.iter().zip(&calm).zip(p99) {
        let cells = [
            per_second.spread(),
            Samples(p99).spread(),
            per_second.relative_to(&calm[0]),
        ];
        let cells = cells.map(|cell| cell.map_or_else(String::new, |cell| cell.short()));
        table.row([vec![origin.side.kind.name().to_owned()], cells.to_vec()].concat());
    }
    let target = calm[1].relative_to(&calm[0]);
    bench
        .report
        .section("Honest traffic without a flood")
        .text(
            "wrk with 32 connections from a trusted address, nginx with one process and a page of six bytes; a native \
             XDP program on the path in both cases, synwall's or one that only passes. Seconds in turn.",
        )
        .table(table);
    bench.report.target(
        10,
        "wrk's requests with synwall ÷ without",
        Wanted::AtLeast(0.98),
        target,
    );
    flooded(bench, &origins);
}

fn flooded(bench: &mut Bench, origins: &[Origin]) {
    let flood = from_anywhere(Family::V4, Segment::Syn, SHORTEST);
    let sender = &bench.workshop.sender;
    let rounds = if bench.quick { 1 } else { 5 };
    let (mut p99, mut sent) = (vec![Vec::new(); origins.len()], vec![Vec::new(); origins.len()]);
    let rates = alternate(origins.len(), rounds, |kind| {
        let (requests, rate) = under_flood(sender, &origins[kind], &flood);
        p99[kind].push(Some(requests.p99));
        sent[kind].push(Some(rate / 1e3));
        Some(requests.per_second)
    });
    let mut table = Table::new(["receiving side", "requests/s", "p99, ms", "flood, 1000 packets/s"]);
    let mut bars = Vec::new();
    for (((origin, rate), p99), sent) in origins.iter().zip(&rates).zip(p99).zip(sent) {
        let cells = [rate.spread(), Samples(p99).spread(), Samples(sent).spread()];
        let cells = cells.map(|cell| cell.map_or_else(String::new, |cell| cell.short()));
        table.row([vec![origin.side.kind.name().to_owned()], cells.to_vec()].concat());
        bars.extend(rate.spread().map(|value| Bar {
            name: plain(origin.side.kind),
            value,
        }));
    }
    bench
        .report
        .section("Honest traffic during a flood")
        .text(format!(
            "The same, while {} SYNs a second from random sources come in on nginx's CPU, before anything else that \
             wants it, as interrupts do. Without a filter nginx's listener answers them with SYN cookies. xdp-filter \
             knows no trusted networks: it denies port 443, where the flood goes, and lets everyone to port 80, where \
             wrk goes; with all the others both ports are closed to strangers.",
            crate::bench::comparison::grouped(RATE as usize)
        ))
        .table(table)
        .chart(Chart::Bars {
            file: "honest-traffic",
            title: "Requests of a trusted client during a flood of 400,000 SYNs a second",
            axis: "requests per second",
            bars,
        });
}

/// Starts the web server before the side. The start-up check asks it from its own address, and not every side lets
/// that through.
fn origin(workshop: &mut Workshop, number: u8, kind: Kind, list: &Prefixes) -> Origin {
    let receiver = workshop.sender.receiver();
    let (client, server) = (
        format!("185.94.108.{number}"),
        format!("203.0.113.{}", 100 + number),
    );
    let (end, mac) = (&receiver.sender_end, shown(RECEIVER_MAC));
    receiver
        .namespace
        .ip(&format!("addr add {server}/32 dev {INTERFACE}\n"));
    workshop.sender.namespace().ip(&format!(
        "addr add {client}/32 dev {end}\n\
         neigh add {server} lladdr {mac} dev {end} nud permanent\n\
         route add {server}/32 dev {end} src {client}\n"
    ));
    let name = format!("origin{number}");
    let host = Host::new(
        &name,
        receiver.namespace.clone(),
        RECEIVER_MAC,
        "203.0.113.10/24",
        "2001:db8:113::10/64",
    );
    let nginx = Nginx::start(&host, &workshop.directory);
    cpu::put(nginx.pid(), cpu::first());
    Origin {
        side: workshop.side_at(receiver, kind, list),
        url: format!("http://{server}/"),
        _nginx: nginx,
    }
}

/// One second of requests. wrk runs on the last CPU, because nginx has the first.
fn requests(sender: &Sender, origin: &Origin) -> wrk::Requests {
    let work = || {
        cpu::stay_on(cpu::last());
        wrk::run(sender.namespace().command("wrk"), &origin.url)
    };
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(requests) => requests,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// One second of requests during a flood, and the packets a second that the flood reached.
fn under_flood(sender: &Sender, origin: &Origin, flood: &Flood) -> (wrk::Requests, f64) {
    let enough = AtomicBool::new(false);
    let (enough, through) = (&enough, origin.side.receiver.through);
    thread::scope(|scope| {
        let sending = scope.spawn(move || sender.namespace().run(|| paced(flood, through, enough)));
        // The flood ends before anything can fail, because it would otherwise go on for ever.
        let requests = thread::scope(|inner| inner.spawn(|| requests(sender, origin)).join());
        enough.store(true, Ordering::Relaxed);
        let rate = sending.join();
        match (requests, rate) {
            (Ok(requests), Ok(rate)) => (requests, rate),
            (Err(panic), _) | (_, Err(panic)) => std::panic::resume_unwind(panic),
        }
    })
}

fn paced(flood: &Flood, through: u32, enough: &AtomicBool) -> f64 {
    cpu::stay_on(cpu::first());
    cpu::go_first();
    let portion = (f64::from(RATE) * PORTION.as_secs_f64()) as u32;
    let started = Instant::now();
    let (mut sent, mut next) = (0, started);
    while !enough.load(Ordering::Relaxed) {
        sent += u64::from(flood.send(through, portion).0);
        next += PORTION;
        match next.checked_duration_since(Instant::now()) {
            Some(wait) => thread::sleep(wait),
            // A portion that could not be sent in time is skipped.
            None => next = Instant::now(),
        }
    }
    sent as f64 / started.elapsed().as_secs_f64()
}

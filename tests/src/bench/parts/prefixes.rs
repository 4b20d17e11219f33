//! Floods against lists of growing length.

use std::time::{Duration, Instant};

use super::Bench;
use crate::bench::chart::Chart;
use crate::bench::comparison::{Comparison, Named, grouped, plain};
use crate::bench::flood::{Flood, SOURCES};
use crate::bench::prefixes::Prefixes;
use crate::bench::report::{Table, Wanted};
use crate::bench::sides::{Kind, Side};
use crate::bench::spread::Spread;
use crate::bench::traffic::{SHORTEST, Segment, Template};
use crate::lab::Family;

const FEW: usize = 2;
const MANY: usize = 100_000;
const MOST: usize = 1_000_000;

fn lengths(quick: bool) -> Vec<usize> {
    if quick {
        vec![FEW, MANY]
    } else {
        vec![FEW, 1_000, MANY]
    }
}

fn syns(sources: &[u64]) -> Vec<Named> {
    let template = Template::new(Family::V4, Segment::Syn, SHORTEST);
    vec![("random sources", Flood::new(template, sources))]
}

/// The bound, and synwall with two prefixes, which every other side is compared with.
fn first_two(bench: &mut Bench) -> Vec<Side> {
    let list = Prefixes::vendor();
    bench.workshop.sides(&[Kind::Bound, Kind::Synwall], &list)
}

/// All sides that have a list.
const LISTED: [Kind; 5] = [
    Kind::Synwall,
    Kind::Plain,
    Kind::NftIngress,
    Kind::NftPrerouting,
    Kind::Ipset,
];

/// Measures over IPv4 up to what each side can hold. For synwall that is a million prefixes.
pub fn ipv4(bench: &mut Bench) {
    let floods = syns(&Prefixes::routed(MANY).strangers_v4(24, SOURCES));
    let mut growth = Growth::default();
    for count in lengths(bench.quick) {
        let list = Prefixes::routed(count).only_v4();
        let mut sides = first_two(bench);
        // synwall with two prefixes is already among the sides. The plain script with 100,000 rules is measured
        // separately.
        let kinds = LISTED.into_iter().filter(|&kind| match kind {
            Kind::Synwall => count > FEW,
            Kind::Plain => count < MANY,
            _ => true,
        });
        sides.extend(bench.workshop.sides(&kinds.collect::<Vec<_>>(), &list));
        let all = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);
        growth.add(&all);
    }
    let plain = match bench.quick {
        true => String::new(),
        false => plain_script_on_many(bench, &floods[0].1),
    };

    let clustered = Prefixes::clustered(MOST);
    let away = million(bench, &clustered, &clustered.strangers_v4(16, SOURCES));
    let routed = Prefixes::routed(MOST).only_v4();
    let among = million(bench, &routed, &routed.strangers_v4(24, SOURCES));
    growth.add_one(&among);

    let mut table = away.table();
    table.columns.insert(0, "list and sources".to_owned());
    among.append_to(&mut table, 0);
    let names = [
        "clustered list, sources elsewhere",
        "routing table, sources everywhere",
    ];
    for (row, name) in table.rows.iter_mut().zip([[names[0]; 3], [names[1]; 3]].concat()) {
        row.insert(0, name.to_owned());
    }
    let section = bench.report.section("Lists of growing length, IPv4");
    section
        .text(format!(
            "SYNs of 60 bytes, random sources. Prefixes have the lengths and the spread of a global routing table \
             (/16 to /24, three fifths of them /24), no two overlap; sources come from the rest of the space, drawn \
             anew where they would be trusted. {plain} ipset holds 65,536 elements unless told otherwise; \
             here it is told so. xdp-filter has no list of prefixes at all."
        ))
        .table(growth.table)
        .chart(Chart::Lines {
            file: "prefixes-ipv4",
            title: "SYN flood over IPv4 against lists of growing length",
            axis: "time for a packet ÷ time with the bound",
            lines: growth.lines,
        })
        .text(format!(
            "A million prefixes, in two ways. Clustered: 256 prefixes of /24 to /32 in each of 3,907 /16s, and no \
             source from any of these. As a routing table: {:.0} % of the unicast space is trusted, nearly every /16 \
             of the rest holds a prefix, and sources are uniform over that rest.",
            routed.share_of_v4() * 100.0
        ))
        .table(table);
    let (few, most) = ((Kind::Synwall, FEW), (Kind::Synwall, MOST));
    bench.report.target(
        5,
        "SYN flood, IPv4: time with 1M prefixes ÷ with 2, sources in no covered /16",
        Wanted::AtMost(1.08),
        away.ratio(most, few, 0),
    );
    bench.report.target(
        6,
        "the same, a routing table's prefixes, sources everywhere",
        Wanted::AtMost(1.45),
        among.ratio(most, few, 0),
    );
}

fn million(bench: &mut Bench, list: &Prefixes, sources: &[u64]) -> Comparison {
    let mut sides = first_two(bench);
    sides.push(bench.workshop.side(Kind::Synwall, list));
    Comparison::run(&bench.workshop.sender, bench.pace, &sides, &syns(sources))
}

/// What one packet costs with the plain script and 100,000 rules. One measurement is enough.
fn plain_script_on_many(bench: &mut Bench, flood: &Flood) -> String {
    let list = Prefixes::routed(MANY).only_v4();
    let started = Instant::now();
    let side = bench.workshop.side(Kind::Plain, &list);
    let loading = started.elapsed();
    let sender = bench.workshop.sender.namespace();
    // One batch: more frames would overrun the ring while the first ones pass the rules.
    let (sent, time) = sender.run(|| flood.send(side.receiver.through, 64));
    let patience = Instant::now() + Duration::from_secs(5);
    while side.receiver.nic.counters().received < u64::from(sent) && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    format!(
        "The plain script's rules for {} prefixes load in {:.1} s, but a packet that is dropped walks all of them: \
         {:.0} µs each, one batch of {sent} measured, so it is left out.",
        grouped(MANY),
        loading.as_secs_f64(),
        time.as_secs_f64() * 1e6 / f64::from(sent)
    )
}

/// Measures over IPv6.
pub fn ipv6(bench: &mut Bench) {
    let sources = Prefixes::routed(MANY).strangers_v6(SOURCES);
    let template = Template::new(Family::V6, Segment::Syn, 74);
    let floods: Vec<Named> = vec![("random sources", Flood::new(template, &sources))];
    let mut growth = Growth::default();
    let mut last = None;
    for count in lengths(bench.quick) {
        let list = Prefixes::routed(count).only_v6();
        let mut sides = first_two(bench);
        let kinds = LISTED.into_iter().filter(|&kind| match kind {
            Kind::Synwall => count > FEW,
            Kind::Plain => count < MANY,
            _ => true,
        });
        sides.extend(bench.workshop.sides(&kinds.collect::<Vec<_>>(), &list));
        let all = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);
        growth.add(&all);
        last = all.ratio((Kind::Synwall, count), (Kind::Synwall, FEW), 0);
    }
    bench
        .report
        .section("Lists of growing length, IPv6")
        .text(
            "SYNs of 74 bytes, random sources in 2000::/3; prefixes of random lengths from /32 to /64 anywhere in \
             it. The plain script is left out at 100,000, as for IPv4.",
        )
        .table(growth.table)
        .chart(Chart::Lines {
            file: "prefixes-ipv6",
            title: "SYN flood over IPv6 against lists of growing length",
            axis: "time for a packet ÷ time with the bound",
            lines: growth.lines,
        });
    bench.report.target(
        7,
        "SYN flood, IPv6: time with 100k prefixes ÷ with 2",
        Wanted::AtMost(1.10),
        last,
    );
}

/// One table and one chart, made from the comparisons at each length.
struct Growth {
    table: Table,
    lines: Vec<(String, Vec<(usize, Spread)>)>,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            table: Table::new([
                "receiving side",
                "trusted prefixes",
                "ns a packet",
                "time ÷ bound",
            ]),
            lines: Vec::new(),
        }
    }
}

impl Growth {
    /// Adds all sides. Later comparisons leave out the two sides that every comparison has.
    fn add(&mut self, comparison: &Comparison) {
        let from = if self.table.rows.is_empty() { 0 } else { 2 };
        comparison.append_to(&mut self.table, from);
        for (kind, number, ratio) in comparison.points(0) {
            self.point(kind, number, ratio);
        }
    }

    /// Adds the last side only.
    fn add_one(&mut self, comparison: &Comparison) {
        if let Some((kind, number, ratio)) = comparison.points(0).pop() {
            self.point(kind, number, ratio);
        }
    }

    fn point(&mut self, kind: Kind, number: usize, ratio: Spread) {
        let name = plain(kind);
        let known = self.lines.iter().position(|(line, _)| *line == name);
        let line = known.unwrap_or_else(|| {
            self.lines.push((name, Vec::new()));
            self.lines.len() - 1
        });
        let points = &mut self.lines[line].1;
        if points.iter().all(|&(there, _)| there != number) {
            points.push((number, ratio));
        }
    }
}

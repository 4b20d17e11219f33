//! Floods that every side drops: SYNs over IPv4 and IPv6, few sources, long frames, stray ACKs.

use super::Bench;
use crate::bench::comparison::{Comparison, Named};
use crate::bench::flood::{Flood, SOURCES};
use crate::bench::prefixes::Prefixes;
use crate::bench::report::Wanted;
use crate::bench::sides::Kind;
use crate::bench::traffic::{SHORTEST, STRANGER_V4, Segment, Template};
use crate::lab::Family;

const SYNWALL: (Kind, usize) = (Kind::Synwall, 2);

/// All sides that can run with a list of two prefixes.
const EVERYONE: [Kind; 8] = [
    Kind::Bound,
    Kind::XdpFilter,
    Kind::XdpFilterTcp,
    Kind::Synwall,
    Kind::Plain,
    Kind::NftIngress,
    Kind::NftPrerouting,
    Kind::Ipset,
];

/// A flood of frames of this length to the protected port. The sources are anywhere outside the trusted networks.
pub fn from_anywhere(family: Family, segment: Segment, length: usize) -> Flood {
    let template = Template::new(family, segment, length);
    let list = Prefixes::vendor();
    match family {
        Family::V4 => Flood::new(template, &list.strangers_v4(24, SOURCES)),
        Family::V6 => Flood::new(template, &list.strangers_v6(SOURCES)),
    }
}

fn few_sources(sources: impl Iterator<Item = u64>) -> Flood {
    let template = Template::new(Family::V4, Segment::Syn, SHORTEST);
    Flood::new(template, &sources.collect::<Vec<_>>())
}

/// SYNs over IPv4, which the targets are about. Fast and slow sides are measured separately, so that slices that are
/// compared lie close together.
pub fn ipv4(bench: &mut Bench) {
    let list = Prefixes::vendor();
    let stranger = STRANGER_V4 as u64;
    let network = stranger & !0xff;
    let floods: Vec<Named> = vec![
        (
            "random sources",
            from_anywhere(Family::V4, Segment::Syn, SHORTEST),
        ),
        ("one /24", few_sources(network..network + 256)),
        ("one source", few_sources([stranger].into_iter())),
    ];
    let (fast_kinds, slow_kinds) = EVERYONE.split_at(4);
    let mut sides = bench.workshop.sides(fast_kinds, &list);
    let fast = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);
    // synwall runs again beside the slow sides, so that they are compared with it.
    sides.remove(1);
    sides.extend(bench.workshop.sides(slow_kinds, &list));
    let slow = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);

    let report = &mut bench.report;
    let mut bars = fast.bars(0, 0);
    bars.extend(slow.bars(0, 2));
    let mut table = fast.table();
    slow.append_to(&mut table, 2);
    report
        .section("A flood of SYNs over IPv4")
        .text(
            "SYNs of 60 bytes to port 443 from untrusted sources: random ones from the whole unicast space, \
             those of one /24 in turn, and a single one.",
        )
        .table(table)
        .chart(crate::bench::chart::Chart::Bars {
            file: "flood-ipv4",
            title: "SYN flood over IPv4, random sources, two trusted prefixes",
            axis: "time for a packet ÷ time with the bound",
            bars,
        });
    let bound = fast.ratio((Kind::Bound, 0), SYNWALL, 0);
    report.target(
        1,
        "SYN flood, IPv4, 2 prefixes: synwall's packets ÷ the bound's",
        Wanted::AtLeast(0.88),
        bound,
    );
    let xdp_filter = fast.ratio((Kind::XdpFilter, 0), SYNWALL, 0);
    report.target(
        2,
        "the same: synwall's packets ÷ xdp-filter's",
        Wanted::AtLeast(1.0),
        xdp_filter,
    );
    let tcp_only = fast.ratio((Kind::XdpFilterTcp, 0), SYNWALL, 0);
    report.target(
        2,
        "the same, xdp-filter with `--features tcp` alone",
        Wanted::AtLeast(1.0),
        tcp_only,
    );
    let plain = slow.ratio((Kind::Plain, 2), SYNWALL, 0);
    report.target(
        3,
        "the same: synwall's packets ÷ the plain script's",
        Wanted::AtLeast(4.0),
        plain,
    );
    let ipset = slow.ratio((Kind::Ipset, 2), SYNWALL, 0);
    report.target(
        4,
        "the same: synwall's packets ÷ the ipset + conntrack script's",
        Wanted::AtLeast(9.0),
        ipset,
    );
    report.target(
        9,
        "time for a SYN from random sources ÷ from one source",
        Wanted::AtMost(1.10),
        fast.between_floods(SYNWALL, 0, 2),
    );
}

/// SYNs over IPv6.
pub fn ipv6(bench: &mut Bench) {
    let list = Prefixes::vendor();
    let floods: Vec<Named> = vec![("random sources", from_anywhere(Family::V6, Segment::Syn, 74))];
    let sides = bench.workshop.sides(&EVERYONE, &list);
    let all = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);
    bench
        .report
        .section("A flood of SYNs over IPv6")
        .text(
            "SYNs of 74 bytes from random sources in 2000::/3. The vendors' scripts leave IPv6 open; here they get \
             the same rules for it.",
        )
        .table(all.table())
        .chart(all.chart("flood-ipv6", "SYN flood over IPv6, random sources, two trusted prefixes", 0));
}

/// SYNs that carry data, and a mix of lengths.
pub fn sizes(bench: &mut Bench) {
    let list = Prefixes::vendor();
    let template = |length| Template::new(Family::V4, Segment::Syn, length);
    // 7:4:1 is the "simple IMIX" of traffic generators. The lengths are without the checksum.
    let mix = [(template(SHORTEST), 7), (template(590), 4), (template(1_514), 1)];
    let strangers = list.strangers_v4(24, SOURCES);
    let floods: Vec<Named> = vec![
        ("mixed lengths", Flood::mixed(mix, &strangers)),
        ("1514 bytes", Flood::new(template(1_514), &strangers)),
    ];
    let sides = bench.workshop.sides(&EVERYONE, &list);
    let all = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);
    bench
        .report
        .section("Frames of other lengths")
        .text(
            "SYNs that are padded with data, from random sources over IPv4: seven of 60 bytes, four of 590 and one \
             of 1514; and the longest alone.",
        )
        .table(all.table());
}

/// ACKs that belong to no connection.
pub fn strays(bench: &mut Bench) {
    let list = Prefixes::vendor();
    let floods: Vec<Named> = vec![(
        "random sources",
        from_anywhere(Family::V4, Segment::Ack, SHORTEST),
    )];
    let kinds = EVERYONE.map(|kind| match kind {
        Kind::Synwall => Kind::SynwallUnestablished,
        kind => kind,
    });
    let sides = bench.workshop.sides(&kinds, &list);
    let all = Comparison::run(&bench.workshop.sender, bench.pace, &sides, &floods);
    bench
        .report
        .section("A flood of ACKs")
        .text(
            "ACKs of 60 bytes from random sources over IPv4 that belong to no connection. synwall looks for the \
             connection and drops what has none; the ipset script takes each for the beginning of one; the others \
             drop every segment, those of connections that there were before included.",
        )
        .table(all.table())
        .chart(all.chart("flood-acks", "ACK flood over IPv4, random sources, two trusted prefixes", 0));
}

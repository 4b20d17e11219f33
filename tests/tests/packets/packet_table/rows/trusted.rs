//! No way around it applies to strangers. A trusted source passes even with broken headers, and a denied source is
//! dropped as denied.

use etherparse::IpNumber;

use crate::packet_table::{
    config::FULL,
    extension::Extension,
    frame::Frame,
    packet::{BOTH, Ip, V4, V6, packet, syn, udp},
    row::{DENIED, FRAGMENT, MALFORMED, PASS, Row, Rows},
};

/// Headers that are dropped as malformed from an untrusted source.
fn malformed(ip: Ip, source: &str) -> Vec<Frame> {
    let segment = || syn(ip).from(source);
    let common = [
        segment().keep(1).frame(),
        segment().keep(13).frame(),
        segment().frame().cut_ip(ip.header_len() + 12),
        udp(ip, 0).from(source).keep(3).frame(),
    ];
    let own = match ip {
        V4 => vec![
            segment().frame().poke(0, 0x44),
            segment().frame().poke(0, 0x65),
            segment().stated_len(19).frame(),
        ],
        V6 => vec![
            segment().frame().poke(0, 0x40),
            (0..9)
                .fold(segment(), |packet, _| packet.behind(Extension::options(8)))
                .frame(),
            segment().behind(Extension::options(8).stated_len(9)).frame(),
        ],
    };
    common.into_iter().chain(own).collect()
}

/// Fragments that are dropped from an untrusted source.
fn evasive(ip: Ip, source: &str) -> Vec<Frame> {
    let first = [0, 8, 13].map(|len| syn(ip).from(source).keep(len).fragment(0, true).frame());
    let own = match ip {
        V4 => packet(ip, IpNumber::TCP, [0; 24])
            .from(source)
            .fragment(1, false)
            .frame(),
        V6 => syn(ip)
            .from(source)
            .behind(Extension::fragment(0, true))
            .behind(Extension::options(8).stated_len(9))
            .frame(),
    };
    first.into_iter().chain([own]).collect()
}

pub fn rows() -> Vec<Row> {
    let mut t = Rows::under(FULL);
    for ip in BOTH {
        let denied = ip.pick("185.94.108.66", "2001:db8:94::66");
        let denied_on = DENIED.on(ip.pick("185.94.108.66/32", "2001:db8:94::66/128"));
        t.row(
            ip,
            "malformed headers of a stranger are malformed",
            malformed(ip, ip.stranger()),
            MALFORMED,
        );
        t.row(
            ip,
            "malformed headers of a trusted source pass and do not count",
            malformed(ip, ip.proxy()),
            PASS,
        );
        t.row(
            ip,
            "malformed headers of a denied source are denied",
            malformed(ip, denied),
            denied_on,
        );
        t.row(
            ip,
            "evasive fragments of a stranger are fragments",
            evasive(ip, ip.stranger()),
            FRAGMENT,
        );
        t.row(
            ip,
            "evasive fragments of a trusted source pass and do not count",
            evasive(ip, ip.proxy()),
            PASS,
        );
        t.row(
            ip,
            "evasive fragments of a denied source are denied",
            evasive(ip, denied),
            denied_on,
        );
        t.row(
            ip,
            "later fragments of a denied source pass",
            packet(ip, IpNumber::TCP, [0; 64])
                .from(denied)
                .fragment(185, false),
            PASS,
        );
        t.row(
            ip,
            "a header that hides its source is malformed, whoever sent it",
            (0..20)
                .map(|len| syn(ip).from(ip.proxy()).frame().cut_ip(len))
                .collect::<Vec<_>>()
                .into_iter()
                .filter(|frame| frame.source.is_none())
                .collect::<Vec<_>>(),
            MALFORMED,
        );
    }
    t.done()
}

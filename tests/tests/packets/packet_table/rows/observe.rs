//! The policy `observe`: the program reaches and counts the same verdicts, and every packet passes.

use filter_common::DropLevel;
use filter_user::model::settings::Policy;

use crate::packet_table::{
    config::{Config, FULL, STANDARD},
    packet::{BOTH, ack, packet, syn, udp},
    row::{
        DENIED, FRAGMENT, MALFORMED, PASS, RETIRED, Row, Rows, UNTRUSTED_SEGMENT, UNTRUSTED_STRAY,
        UNTRUSTED_SYN, UNTRUSTED_UDP,
    },
    sockets::OPEN,
};

const OBSERVE: Config = Config {
    name: "observe",
    policy: Policy::Observe,
    drop: DropLevel::All,
    ..FULL
};
const NOBODY: Config = Config {
    name: "observe, nobody trusted",
    policy: Policy::Observe,
    entries: &[],
    ..STANDARD
};
const UNESTABLISHED: Config = Config {
    name: "observe, level unestablished",
    policy: Policy::Observe,
    drop: DropLevel::Unestablished,
    ..STANDARD
};

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut t = Rows::under(OBSERVE);
    for ip in BOTH {
        let (former, retired_on) = ip.former();
        let denied = ip.pick("185.94.108.66", "2001:db8:94::66");
        let denied_on = ip.pick("185.94.108.66/32", "2001:db8:94::66/128");
        t.row(ip, "a SYN would be dropped, and passes", syn(ip), UNTRUSTED_SYN);
        t.row(
            ip,
            "another segment would be dropped, and passes",
            ack(ip),
            UNTRUSTED_SEGMENT,
        );
        t.row(
            ip,
            "a datagram would be dropped, and passes",
            udp(ip, 99),
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a denied source would be dropped, and passes",
            syn(ip).from(denied),
            DENIED.on(denied_on),
        );
        t.row(
            ip,
            "a retired destination would be dropped, and passes",
            syn(ip).to(former),
            RETIRED.on(retired_on),
        );
        t.row(
            ip,
            "malformed headers would be dropped, and pass",
            syn(ip).keep(13),
            MALFORMED,
        );
        t.row(
            ip,
            "evasive fragments would be dropped, and pass",
            syn(ip).keep(8).fragment(0, true),
            FRAGMENT,
        );
        t.row(
            ip,
            "a jumbo SYN would be dropped, and passes unchanged",
            syn(ip).data(&[7; 8000]),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a trusted SYN passes and counts",
            syn(ip).from(ip.proxy()),
            PASS.on(ip.proxy_network()),
        );
        t.row(
            ip,
            "other ports and protocols pass and are no would-drop",
            vec![syn(ip).port(22), packet(ip, etherparse::IpNumber::GRE, [0; 20])],
            PASS,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(NOBODY);
    for ip in BOTH {
        t.row(
            ip,
            "every SYN would be dropped",
            vec![syn(ip), syn(ip).from(ip.proxy())],
            UNTRUSTED_SYN,
        );
        t.row(ip, "an ACK passes at level new", ack(ip), PASS);
    }
    rows.extend(t.done());
    let mut t = Rows::under(UNESTABLISHED);
    for ip in BOTH {
        t.row(
            ip,
            "a segment without a connection would be dropped",
            ack(ip),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "a segment of an open connection passes",
            ack(ip).source_port(OPEN),
            PASS,
        );
    }
    rows.extend(t.done());
    rows
}

//! `--for`: an expired prefix counts as absent, even before a command removes it.

use crate::packet_table::{
    config::{Config, Entry, STANDARD, deny, retire, trust},
    packet::{BOTH, ack, syn},
    row::{DENIED, PASS, RETIRED, Row, Rows, UNTRUSTED_SYN},
};

const EXPIRY: Config = Config {
    name: "temporary prefixes",
    entries: &[
        // Expired: trusted visitors in a denied network, denied hosts in a trusted one, and a trusted visitor outside
        // any list.
        trust("10.1.1.1/32").expired(),
        deny("10.1.1.0/24"),
        deny("10.2.2.2/32").expired(),
        trust("10.2.2.0/24"),
        trust("10.3.3.3/32").expired(),
        retire("192.0.2.7/32").expired(),
        trust("2001:db8:1:1::1/128").expired(),
        deny("2001:db8:1:1::/64"),
        deny("2001:db8:2:2::2/128").expired(),
        trust("2001:db8:2:2::/64"),
        trust("2001:db8:3:3::3/128").expired(),
        retire("2001:db8:113::7/128").expired(),
        // Expired, inside a denied network that is only one bit wider.
        trust("10.4.4.5/32").expired(),
        deny("10.4.4.4/31"),
        trust("2001:db8:4:4::5/128").expired(),
        deny("2001:db8:4:4::4/127"),
        // Not expired yet.
        trust("10.1.1.9/32").expiring(),
        deny("10.2.2.9/32").expiring(),
        retire("192.0.2.9/32").expiring(),
        trust("2001:db8:1:1::9/128").expiring(),
        deny("2001:db8:2:2::9/128").expiring(),
        retire("2001:db8:113::9/128").expiring(),
    ],
    ..STANDARD
};

const FOUR_DEEP: Config = Config {
    name: "four expired prefixes, one in the other",
    entries: &[
        trust("10.0.0.0/8"),
        deny("10.1.0.0/16").expired(),
        trust("10.1.1.0/24").expired(),
        deny("10.1.1.0/28").expired(),
        deny("10.1.1.1/32").expired(),
        deny("2001:db8::/32"),
        trust("2001:db8:1::/48").expired(),
        deny("2001:db8:1:1::/64").expired(),
        trust("2001:db8:1:1::/96").expired(),
        trust("2001:db8:1:1::1/128").expired(),
    ],
    ..STANDARD
};

const IPV4_FIVE: [Entry; 5] = [
    trust("10.1.1.1/32").expired(),
    trust("10.1.1.0/30").expired(),
    trust("10.1.1.0/24").expired(),
    trust("10.1.0.0/16").expired(),
    trust("10.0.0.0/8").expired(),
];
const IPV6_FIVE: [Entry; 5] = [
    trust("2001:db8:1:1::1/128").expired(),
    trust("2001:db8:1:1::/96").expired(),
    trust("2001:db8:1:1::/64").expired(),
    trust("2001:db8:1::/48").expired(),
    trust("2001:db8::/32").expired(),
];
const FIVE_DEEP: Config = Config {
    name: "five expired prefixes, one in the other",
    entries: &[
        IPV4_FIVE[0],
        IPV4_FIVE[1],
        IPV4_FIVE[2],
        IPV4_FIVE[3],
        IPV4_FIVE[4],
        IPV6_FIVE[0],
        IPV6_FIVE[1],
        IPV6_FIVE[2],
        IPV6_FIVE[3],
        IPV6_FIVE[4],
    ],
    ..STANDARD
};
const EVERYBODY_ONCE: Config = Config {
    name: "everybody trusted, but no longer",
    entries: &[trust("0.0.0.0/0").expired(), trust("::/0").expired()],
    ..STANDARD
};

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut t = Rows::under(EXPIRY);
    for ip in BOTH {
        let [visitor, banned, lone] = ip.pick(
            ["10.1.1.1", "10.2.2.2", "10.3.3.3"],
            ["2001:db8:1:1::1", "2001:db8:2:2::2", "2001:db8:3:3::3"],
        );
        let [denied, trusted] = ip.pick(
            ["10.1.1.0/24", "10.2.2.0/24"],
            ["2001:db8:1:1::/64", "2001:db8:2:2::/64"],
        );
        t.row(
            ip,
            "trust that is over leaves the decision to the denied network around it",
            vec![syn(ip).from(visitor), ack(ip).from(visitor)],
            DENIED.on(denied),
        );
        t.row(
            ip,
            "a ban that is over leaves the decision to the trusted network around it",
            syn(ip).from(banned),
            PASS.on(trusted),
        );
        t.row(
            ip,
            "trust that is over, in no other prefix, leaves a stranger",
            syn(ip).from(lone),
            UNTRUSTED_SYN,
        );
        let [visitor, banned] = ip.pick(["10.1.1.9", "10.2.2.9"], ["2001:db8:1:1::9", "2001:db8:2:2::9"]);
        let [visitor_on, banned_on] = ip.pick(
            ["10.1.1.9/32", "10.2.2.9/32"],
            ["2001:db8:1:1::9/128", "2001:db8:2:2::9/128"],
        );
        t.row(
            ip,
            "trust that is not over yet decides and counts",
            syn(ip).from(visitor),
            PASS.on(visitor_on),
        );
        t.row(
            ip,
            "a ban that is not over yet decides and counts",
            syn(ip).from(banned),
            DENIED.on(banned_on),
        );
        let (source, on) = ip.pick(
            ("10.4.4.5", "10.4.4.4/31"),
            ("2001:db8:4:4::5", "2001:db8:4:4::4/127"),
        );
        t.row(
            ip,
            "the network around trust that is over may be one bit wider",
            syn(ip).from(source),
            DENIED.on(on),
        );
        let [over, not_yet] = ip.pick(["192.0.2.7", "192.0.2.9"], ["2001:db8:113::7", "2001:db8:113::9"]);
        t.row(
            ip,
            "an address that is no longer retired answers again",
            ack(ip).to(over),
            PASS,
        );
        t.row(
            ip,
            "and is judged like any other",
            syn(ip).to(over),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "an address that is still retired does not",
            ack(ip).to(not_yet),
            RETIRED.on(ip.pick("192.0.2.9/32", "2001:db8:113::9/128")),
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(FOUR_DEEP);
    for ip in BOTH {
        let source = ip.pick("10.1.1.1", "2001:db8:1:1::1");
        let expect = ip.pick(PASS.on("10.0.0.0/8"), DENIED.on("2001:db8::/32"));
        t.row(
            ip,
            "behind four prefixes that are over, the fifth decides",
            syn(ip).from(source),
            expect,
        );
        let source = ip.pick("10.1.1.2", "2001:db8:1:1::2");
        t.row(
            ip,
            "behind three prefixes that are over, the next decides",
            syn(ip).from(source),
            expect,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(FIVE_DEEP);
    for ip in BOTH {
        let sources = ip.pick(
            ["10.1.1.1", "10.1.1.2", "10.1.1.200", "10.1.200.1", "10.200.1.1"],
            [
                "2001:db8:1:1::1",
                "2001:db8:1:1::2",
                "2001:db8:1:1:9::",
                "2001:db8:1:9::",
                "2001:db8:9::",
            ],
        );
        t.row(
            ip,
            "five prefixes that are over, one in the other, trust nobody",
            syn(ip).from(sources[0]),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "nor do four, three, two or one",
            sources[1..]
                .iter()
                .map(|source| syn(ip).from(source))
                .collect::<Vec<_>>(),
            UNTRUSTED_SYN,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(EVERYBODY_ONCE);
    for ip in BOTH {
        t.row(
            ip,
            "trust in everybody that is over trusts nobody",
            vec![syn(ip), syn(ip).from(ip.proxy())],
            UNTRUSTED_SYN,
        );
    }
    rows.extend(t.done());
    rows
}

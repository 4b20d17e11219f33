//! Rows 4 and 5: the longest matching prefix of the source decides, and a new connection counts on it.
//!
//! Longer than 300 lines because each shape of a list is a configuration of its own, and its rows stand beside the
//! others'.

use crate::packet_table::{
    config::{Config, STANDARD, deny, trust},
    packet::{ACK, BOTH, FIN, Ip, RST, SYN, V4, V6, ack, syn, tcp},
    row::{DENIED, PASS, Row, Rows, UNTRUSTED_SYN},
};

const NESTED: Config = Config {
    name: "nested lists",
    entries: &[
        trust("10.0.0.0/8"),
        deny("10.1.0.0/16"),
        trust("10.1.2.0/24"),
        deny("10.1.2.3/32"),
        deny("172.16.0.0/12"),
        trust("172.16.0.1/32"),
        trust("192.168.77.128/25"),
        trust("2001:db8::/32"),
        deny("2001:db8:1::/48"),
        trust("2001:db8:1:2::/64"),
        deny("2001:db8:1:2::3/128"),
        deny("fd00::/12"),
        trust("fd00::1/128"),
        trust("2001:470:77:80::/57"),
    ],
    ..STANDARD
};
const TRUST_ALL_BUT: Config = Config {
    name: "everybody trusted but some",
    entries: &[
        trust("0.0.0.0/0"),
        trust("::/0"),
        deny("198.51.100.0/24"),
        deny("2001:db8:bad::/48"),
    ],
    ..STANDARD
};
const DENY_ALL_BUT: Config = Config {
    name: "everybody denied but some",
    entries: &[
        deny("0.0.0.0/0"),
        deny("::/0"),
        trust("185.94.108.0/24"),
        trust("2001:db8:94::/48"),
    ],
    ..STANDARD
};
const HALVES: Config = Config {
    name: "halves of the address space",
    entries: &[
        trust("128.0.0.0/1"),
        deny("0.0.0.0/1"),
        trust("8000::/1"),
        deny("::/1"),
    ],
    ..STANDARD
};
const IPV4_ALONE: Config = Config {
    name: "only IPv4 trusted",
    entries: &[trust("185.94.108.0/24")],
    ..STANDARD
};
const IPV6_ALONE: Config = Config {
    name: "only IPv6 trusted",
    entries: &[trust("2001:db8:94::/48")],
    ..STANDARD
};

fn each(ip: Ip, sources: &[&str]) -> Vec<crate::packet_table::packet::Packet> {
    sources.iter().map(|source| syn(ip).from(source)).collect()
}

pub fn rows() -> Vec<Row> {
    [standard(), nested(), whole_internet(), one_version_alone()]
        .into_iter()
        .flatten()
        .collect()
}

fn standard() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    for ip in BOTH {
        let edges = ip.pick(
            ["185.94.108.0", "185.94.108.255"],
            ["2001:db8:94::", "2001:db8:94:ffff:ffff:ffff:ffff:ffff"],
        );
        let outside = ip.pick(
            ["185.94.107.255", "185.94.109.0"],
            ["2001:db8:93:ffff:ffff:ffff:ffff:ffff", "2001:db8:95::"],
        );
        let counts = PASS.on(ip.proxy_network());
        t.row(
            ip,
            "a SYN from a stranger is dropped",
            vec![syn(ip), syn(ip).port(80)],
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a SYN from the proxy passes and counts",
            syn(ip).from(ip.proxy()),
            counts,
        );
        t.row(
            ip,
            "a segment of the proxy's connection passes and does not count",
            ack(ip).from(ip.proxy()),
            PASS,
        );
        t.row(
            ip,
            "the first and the last address of a trusted network pass",
            each(ip, &edges),
            counts,
        );
        t.row(
            ip,
            "the addresses before and behind a trusted network do not",
            each(ip, &outside),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a SYN that claims the host's own address, or loopback, is dropped",
            each(ip, &[ip.host(), ip.pick("127.0.0.1", "::1")]),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a SYN from no address, all ones or a multicast group is dropped",
            each(
                ip,
                &ip.pick(
                    ["0.0.0.0", "255.255.255.255", "224.0.0.1"],
                    ["::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff02::1"],
                ),
            ),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a SYN to any address of the host is judged",
            ip.pick(["255.255.255.255", "198.18.0.1"], ["ff02::1", "fe80::1"])
                .map(|to| syn(ip).to(to))
                .to_vec(),
            UNTRUSTED_SYN,
        );
    }
    t.row(
        V6,
        "a trusted IPv4 address in IPv6 clothes is not trusted",
        each(
            V6,
            &[
                "::ffff:185.94.108.10",
                "::185.94.108.10",
                "64:ff9b::185.94.108.10",
                "2002:b95e:6c0a::1",
                "b95e:6c0a::",
            ],
        ),
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "the first bytes of a trusted IPv6 network are no trusted IPv4 address",
        syn(V4).from("32.1.13.184"),
        UNTRUSTED_SYN,
    );
    t.done()
}

fn nested() -> Vec<Row> {
    let mut t = Rows::under(NESTED);
    for ip in BOTH {
        let rows = ip.pick(
            [
                ("the widest, trusted", "10.0.255.255", PASS.on("10.0.0.0/8")),
                ("a denied one in it", "10.1.3.0", DENIED.on("10.1.0.0/16")),
                (
                    "the last address of the denied one",
                    "10.1.255.255",
                    DENIED.on("10.1.0.0/16"),
                ),
                ("just behind the denied one", "10.2.0.0", PASS.on("10.0.0.0/8")),
                ("a trusted one in that", "10.1.2.4", PASS.on("10.1.2.0/24")),
                (
                    "the last address of the trusted one",
                    "10.1.2.255",
                    PASS.on("10.1.2.0/24"),
                ),
                (
                    "a single denied address in that",
                    "10.1.2.3",
                    DENIED.on("10.1.2.3/32"),
                ),
                (
                    "a single trusted address in a denied one",
                    "172.16.0.1",
                    PASS.on("172.16.0.1/32"),
                ),
                ("beside that address", "172.16.0.2", DENIED.on("172.16.0.0/12")),
                (
                    "just before the odd half of a network",
                    "192.168.77.127",
                    UNTRUSTED_SYN,
                ),
                (
                    "the first address of that half",
                    "192.168.77.128",
                    PASS.on("192.168.77.128/25"),
                ),
                ("outside of all", "11.0.0.0", UNTRUSTED_SYN),
            ],
            [
                (
                    "the widest, trusted",
                    "2001:db8:0:ffff::",
                    PASS.on("2001:db8::/32"),
                ),
                (
                    "a denied one in it",
                    "2001:db8:1:3::",
                    DENIED.on("2001:db8:1::/48"),
                ),
                (
                    "the last address of the denied one",
                    "2001:db8:1:ffff:ffff:ffff:ffff:ffff",
                    DENIED.on("2001:db8:1::/48"),
                ),
                (
                    "just behind the denied one",
                    "2001:db8:2::",
                    PASS.on("2001:db8::/32"),
                ),
                (
                    "a trusted one in that",
                    "2001:db8:1:2::4",
                    PASS.on("2001:db8:1:2::/64"),
                ),
                (
                    "the last address of the trusted one",
                    "2001:db8:1:2:ffff:ffff:ffff:ffff",
                    PASS.on("2001:db8:1:2::/64"),
                ),
                (
                    "a single denied address in that",
                    "2001:db8:1:2::3",
                    DENIED.on("2001:db8:1:2::3/128"),
                ),
                (
                    "a single trusted address in a denied one",
                    "fd00::1",
                    PASS.on("fd00::1/128"),
                ),
                ("beside that address", "fd00::2", DENIED.on("fd00::/12")),
                (
                    "just before the odd half of a network",
                    "2001:470:77:7f:ffff:ffff:ffff:ffff",
                    UNTRUSTED_SYN,
                ),
                (
                    "the first address of that half",
                    "2001:470:77:80::",
                    PASS.on("2001:470:77:80::/57"),
                ),
                ("outside of all", "2001:db9::", UNTRUSTED_SYN),
            ],
        );
        for (name, source, expect) in rows {
            t.row(
                ip,
                format!("the longest prefix decides: {name}"),
                syn(ip).from(source),
                expect,
            );
        }
        let (denied, on) = ip.pick(
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8:1:2::3", "2001:db8:1:2::3/128"),
        );
        t.row(
            ip,
            "every other segment of a denied source is dropped too",
            [0, ACK, FIN | ACK, RST, SYN | ACK]
                .map(|flags| tcp(ip, flags).from(denied))
                .to_vec(),
            DENIED.on(on),
        );
        t.row(
            ip,
            "a denied source passes on other ports",
            vec![syn(ip).from(denied).port(22), ack(ip).from(denied).port(22)],
            PASS,
        );
        let (trusted, stranger) = (ip.pick("10.1.2.4", "2001:db8:1:2::4"), ip.stranger());
        t.row(
            ip,
            "segments of connections do not count on a prefix",
            [0, ACK, FIN | ACK, RST, SYN | ACK]
                .map(|flags| tcp(ip, flags).from(trusted))
                .to_vec(),
            PASS,
        );
        if ip == V4 {
            t.row(
                ip,
                "segments of strangers pass beside deny entries",
                ack(ip).from(stranger),
                PASS,
            );
        }
    }
    t.done()
}

fn whole_internet() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut t = Rows::under(TRUST_ALL_BUT);
    for ip in BOTH {
        let (all, bad) = ip.pick(("0.0.0.0/0", "198.51.100.0/24"), ("::/0", "2001:db8:bad::/48"));
        t.row(
            ip,
            "where everybody is trusted, everybody passes and counts",
            each(ip, &ip.pick(["0.0.0.0", "255.255.255.255"], ["::", "ffff::"])),
            PASS.on(all),
        );
        t.row(
            ip,
            "except who is denied",
            each(ip, &[ip.stranger()]),
            DENIED.on(bad),
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(DENY_ALL_BUT);
    for ip in BOTH {
        t.row(
            ip,
            "where everybody is denied, everybody is dropped as denied",
            vec![syn(ip), ack(ip)],
            DENIED.on(ip.pick("0.0.0.0/0", "::/0")),
        );
        t.row(
            ip,
            "except who is trusted",
            each(ip, &[ip.proxy()]),
            PASS.on(ip.proxy_network()),
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(HALVES);
    for ip in BOTH {
        let [lower, upper] = ip.pick(["0.0.0.0/1", "128.0.0.0/1"], ["::/1", "8000::/1"]);
        t.row(
            ip,
            "the first bit of an address can decide: denied",
            each(
                ip,
                &ip.pick(["0.0.0.0", "127.255.255.255"], ["::", "7fff:ffff::"]),
            ),
            DENIED.on(lower),
        );
        t.row(
            ip,
            "the first bit of an address can decide: trusted",
            each(
                ip,
                &ip.pick(["128.0.0.0", "255.255.255.255"], ["8000::", "ffff::"]),
            ),
            PASS.on(upper),
        );
    }
    rows.extend(t.done());
    rows
}

fn one_version_alone() -> Vec<Row> {
    let mut rows = Vec::new();
    for (config, trusted, other) in [(IPV4_ALONE, V4, V6), (IPV6_ALONE, V6, V4)] {
        let mut t = Rows::under(config);
        t.row(
            trusted,
            "the one version that has trusted prefixes passes",
            syn(trusted).from(trusted.proxy()),
            PASS.on(trusted.proxy_network()),
        );
        t.row(
            other,
            "the version without trusted prefixes is still filtered",
            vec![syn(other), syn(other).from(other.proxy())],
            UNTRUSTED_SYN,
        );
        rows.extend(t.done());
    }
    rows
}

//! No way around it, fragments: a first fragment shows its port, or it is dropped. Without a first fragment, later
//! ones never become a packet.
//!
//! Longer than 300 lines because each kind of fragment is a row of its own, and all rows share one topic.

use etherparse::IpNumber;

use crate::packet_table::{
    config::{ALL, STANDARD},
    extension::Extension,
    packet::{BOTH, SYN, V4, V6, ack, packet, syn, tcp_with_options},
    row::{FRAGMENT, PASS, Row, Rows, UNTRUSTED_SEGMENT, UNTRUSTED_SYN},
};

pub fn rows() -> Vec<Row> {
    [both_versions(), of_ipv6(), at_level_all()]
        .into_iter()
        .flatten()
        .collect()
}

fn both_versions() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    for ip in BOTH {
        t.row(
            ip,
            "a first fragment with a whole SYN is dropped as a SYN",
            vec![
                syn(ip).fragment(0, true),
                syn(ip).data(&[0; 100]).fragment(0, true),
                tcp_with_options(ip, SYN, &[1; 20]).fragment(0, true),
            ],
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a first fragment with a SYN as far as its flags is dropped as a SYN",
            vec![
                syn(ip).keep(14).fragment(0, true),
                syn(ip).keep(16).fragment(0, true),
            ],
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a first fragment with an ACK passes",
            vec![
                ack(ip).fragment(0, true),
                ack(ip).keep(16).fragment(0, true),
                ack(ip).data(&[0; 100]).fragment(0, true),
            ],
            PASS,
        );
        t.row(
            ip,
            "a first fragment to another port passes",
            syn(ip).port(22).fragment(0, true),
            PASS,
        );
        t.row(
            ip,
            "a first fragment that ends before the flags is dropped",
            [0, 1, 3, 4, 8, 13]
                .map(|len| syn(ip).keep(len).fragment(0, true))
                .to_vec(),
            FRAGMENT,
        );
        t.row(
            ip,
            "so it is without SYN, and to another port",
            vec![
                ack(ip).keep(8).fragment(0, true),
                syn(ip).port(22).keep(8).fragment(0, true),
            ],
            FRAGMENT,
        );
        t.row(
            ip,
            "a first fragment that the frame cuts before the flags is dropped",
            [0, 8, 13]
                .map(|len| syn(ip).fragment(0, true).frame().cut_ip(ip.pick(20, 48) + len))
                .to_vec(),
            FRAGMENT,
        );
        t.row(
            ip,
            "padding does not complete a first fragment",
            [0, 8, 13]
                .map(|len| syn(ip).keep(len).fragment(0, true).padding(&[SYN; 30]))
                .to_vec(),
            FRAGMENT,
        );
        t.row(
            ip,
            "later TCP fragments pass",
            [2, 3, 185, 8191]
                .map(|offset| packet(ip, IpNumber::TCP, [SYN; 64]).fragment(offset, false))
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "later TCP fragments with more to come pass",
            [2, 3, 185]
                .map(|offset| packet(ip, IpNumber::TCP, [SYN; 64]).fragment(offset, true))
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "later fragments of no bytes pass",
            packet(ip, IpNumber::TCP, []).fragment(2, false),
            PASS,
        );
        t.row(
            ip,
            "UDP fragments pass where no UDP port is protected, at offset 1 too",
            [0, 1, 2]
                .map(|offset| packet(ip, IpNumber::UDP, [1; 64]).fragment(offset, true))
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "fragments of a ping pass",
            [0, 1, 2]
                .map(|offset| {
                    packet(ip, ip.pick(IpNumber::ICMP, IpNumber::IPV6_ICMP), [8; 64]).fragment(offset, true)
                })
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "the proxy's first fragment with a SYN passes and counts",
            syn(ip).from(ip.proxy()).fragment(0, true),
            PASS.on(ip.proxy_network()),
        );
        t.row(
            ip,
            "the proxy's first fragment without its flags passes and does not count",
            syn(ip).from(ip.proxy()).keep(8).fragment(0, true),
            PASS,
        );
    }
    t.row(
        V4,
        "a TCP fragment at offset 1 is dropped: it would overwrite the flags",
        vec![
            packet(V4, IpNumber::TCP, [SYN; 12]).fragment(1, false),
            packet(V4, IpNumber::TCP, [SYN; 64]).fragment(1, true),
        ],
        FRAGMENT,
    );
    t.row(
        V4,
        "the proxy's TCP fragment at offset 1 passes",
        packet(V4, IpNumber::TCP, [0; 64])
            .from(V4.proxy())
            .fragment(1, false),
        PASS,
    );
    t.row(
        V4,
        "a SYN behind options in a first fragment is dropped",
        vec![
            syn(V4).ipv4_options(&[1; 40]).fragment(0, true),
            syn(V4).ipv4_options(&[1; 4]).keep(14).fragment(0, true),
        ],
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "a first fragment of options alone is dropped",
        syn(V4).ipv4_options(&[1; 40]).keep(0).fragment(0, true),
        FRAGMENT,
    );
    t.row(
        V6,
        "a TCP fragment at offset 1 passes: IPv6 takes no overlapping fragments",
        packet(V6, IpNumber::TCP, [SYN; 64]).fragment(1, false),
        PASS,
    );
    t.done()
}

fn of_ipv6() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    let first = || Extension::fragment(0, true);
    t.row(
        V6,
        "an atomic fragment is the whole packet: a SYN is dropped",
        syn(V6).behind(Extension::atomic()),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "an atomic fragment is the whole packet: an ACK passes",
        ack(V6).behind(Extension::atomic()),
        PASS,
    );
    for (name, extension) in Extension::each() {
        t.row(
            V6,
            format!("a first fragment with a SYN behind {name} is dropped as a SYN"),
            vec![
                syn(V6).behind(first()).behind(extension.clone()),
                syn(V6).behind(extension.clone()).behind(first()),
            ],
            UNTRUSTED_SYN,
        );
        t.row(
            V6,
            format!("a first fragment with an ACK behind {name} passes"),
            ack(V6).behind(first()).behind(extension.clone()),
            PASS,
        );
        t.row(
            V6,
            format!("a first fragment that ends before the flags behind {name} is dropped"),
            [0, 8, 13]
                .map(|len| syn(V6).behind(first()).behind(extension.clone()).keep(len))
                .to_vec(),
            FRAGMENT,
        );
        t.row(
            V6,
            format!("a first fragment that ends inside {name} is dropped"),
            (0..8)
                .map(|len| {
                    syn(V6)
                        .behind(first())
                        .behind(extension.clone())
                        .stated_len(8 + len)
                })
                .collect::<Vec<_>>(),
            FRAGMENT,
        );
        t.row(
            V6,
            format!("a later fragment behind {name} passes"),
            packet(V6, IpNumber::TCP, [SYN; 64])
                .behind(extension)
                .fragment(185, false),
            PASS,
        );
    }
    t.row(
        V6,
        "a first fragment whose extension header is longer than it is dropped",
        syn(V6)
            .behind(first())
            .behind(Extension::options(8).stated_len(20)),
        FRAGMENT,
    );
    let long = |count: usize| {
        (0..count).fold(syn(V6).behind(first()), |packet, _| {
            packet.behind(Extension::options(8))
        })
    };
    t.row(
        V6,
        "a first fragment with a chain of eight headers is walked to the end",
        long(7),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a first fragment with a chain of nine headers is dropped",
        long(8),
        FRAGMENT,
    );
    t.row(
        V6,
        "a first fragment in an atomic one is judged",
        syn(V6).behind(Extension::atomic()).behind(first()),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "an atomic fragment in a first one is judged",
        vec![
            syn(V6).behind(first()).behind(Extension::atomic()),
            syn(V6).behind(first()).behind(first()),
        ],
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "nested first fragments that end before the flags are dropped",
        vec![
            syn(V6).behind(Extension::atomic()).behind(first()).keep(8),
            syn(V6).behind(first()).behind(Extension::atomic()).keep(8),
        ],
        FRAGMENT,
    );
    t.row(
        V6,
        "a later fragment in an atomic one passes",
        packet(V6, IpNumber::TCP, [SYN; 64])
            .behind(Extension::atomic())
            .fragment(9, false),
        PASS,
    );
    t.row(
        V6,
        "a later fragment of extension headers passes",
        packet(V6, IpNumber::IPV6_DESTINATION_OPTIONS, [0; 64]).fragment(9, true),
        PASS,
    );
    t.row(
        V6,
        "reserved bits in a fragment header hide no SYN",
        (1..4)
            .map(|bits| syn(V6).behind(Extension::atomic()).frame().poke(43, bits << 1))
            .collect::<Vec<_>>(),
        UNTRUSTED_SYN,
    );
    t.done()
}

fn at_level_all() -> Vec<Row> {
    let mut t = Rows::under(ALL);
    for ip in BOTH {
        t.row(
            ip,
            "a first fragment with an ACK is dropped",
            ack(ip).fragment(0, true),
            UNTRUSTED_SEGMENT,
        );
        t.row(
            ip,
            "a first fragment that ends before the flags is dropped as a fragment",
            ack(ip).keep(8).fragment(0, true),
            FRAGMENT,
        );
        t.row(
            ip,
            "later fragments pass",
            packet(ip, IpNumber::TCP, [0; 64]).fragment(185, false),
            PASS,
        );
    }
    t.done()
}

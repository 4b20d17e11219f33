//! Row 2: a retired address answers no source and no protocol.

use etherparse::IpNumber;

use crate::packet_table::{
    config::{Config, FULL, STANDARD, retire, trust},
    extension::Extension,
    packet::{ACK, BOTH, DOT1Q, RST, SYN, V4, V6, ack, packet, syn, tcp, udp},
    row::{PASS, RETIRED, Row, Rows, UNTRUSTED_SYN},
};

const NETWORKS: Config = Config {
    name: "retired networks",
    entries: &[
        trust("185.94.108.0/24"),
        trust("2001:db8:94::/48"),
        retire("192.0.2.64/26"),
        retire("2001:db8:113:40::/58"),
        retire("203.0.113.99/32"),
    ],
    ..STANDARD
};

pub fn rows() -> Vec<Row> {
    let mut t = Rows::under(FULL);
    for ip in BOTH {
        let (former, prefix) = ip.former();
        let gone = RETIRED.on(prefix);
        let icmp = || {
            packet(
                ip,
                ip.pick(IpNumber::ICMP, IpNumber::IPV6_ICMP),
                [ip.pick(8, 128), 0, 0, 0, 0, 0, 0, 0],
            )
        };
        t.row(
            ip,
            "a SYN to a retired address is dropped",
            syn(ip).to(former),
            gone,
        );
        t.row(
            ip,
            "a SYN to a retired address is dropped on every port",
            [0, 1, 22, 25, 65_535]
                .map(|port| syn(ip).to(former).port(port))
                .to_vec(),
            gone,
        );
        t.row(
            ip,
            "any other segment to a retired address is dropped",
            [0, ACK, RST, SYN | ACK]
                .map(|flags| tcp(ip, flags).to(former))
                .to_vec(),
            gone,
        );
        t.row(
            ip,
            "a datagram to a retired address is dropped",
            udp(ip, 100).to(former).port(53),
            gone,
        );
        t.row(
            ip,
            "a ping to a retired address is dropped",
            icmp().to(former),
            gone,
        );
        t.row(
            ip,
            "any other protocol to a retired address is dropped",
            [0x2f, 0x32, 0x84, 0xfd]
                .map(|p| packet(ip, IpNumber(p), [0; 40]).to(former))
                .to_vec(),
            gone,
        );
        t.row(
            ip,
            "fragments to a retired address are dropped, later ones too",
            vec![
                syn(ip).data(&[0; 8]).fragment(0, true).to(former),
                packet(ip, IpNumber::TCP, [0; 64]).fragment(1, true).to(former),
                packet(ip, IpNumber::UDP, [0; 64]).fragment(185, false).to(former),
            ],
            gone,
        );
        t.row(
            ip,
            "a trusted source does not reach a retired address either",
            syn(ip).from(ip.proxy()).to(former),
            gone,
        );
        t.row(
            ip,
            "nor does a denied one, and the reason is the destination",
            syn(ip)
                .from(ip.pick("185.94.108.66", "2001:db8:94::66"))
                .to(former),
            gone,
        );
        t.row(
            ip,
            "broken headers to a retired address are dropped as retired",
            vec![syn(ip).to(former).keep(0), syn(ip).to(former).keep(13)],
            gone,
        );
        t.row(
            ip,
            "a retired address is gone behind a VLAN tag as well",
            syn(ip).to(former).tag(DOT1Q, 7),
            gone,
        );
        t.row(
            ip,
            "the neighbours of a retired address are judged as ever",
            ip.pick(
                ["192.0.2.79", "192.0.2.81"],
                ["2001:db8:113::7f", "2001:db8:113::81"],
            )
            .map(|to| syn(ip).to(to))
            .to_vec(),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a ping to the neighbour of a retired address passes",
            icmp(),
            PASS,
        );
        t.row(
            ip,
            "a packet from a retired address is judged by its own destination",
            ack(ip).from(former),
            PASS,
        );
    }
    let solicitation = [
        135, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 1, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80,
    ];
    let solicit = |to| packet(V6, IpNumber::IPV6_ICMP, solicitation).to(to);
    t.row(
        V6,
        "a solicitation for a retired address, to its multicast group, passes",
        solicit("ff02::1:ff00:80"),
        PASS,
    );
    t.row(
        V6,
        "a solicitation to the retired address itself is dropped",
        solicit("2001:db8:113::80"),
        RETIRED.on("2001:db8:113::80/128"),
    );
    t.row(
        V6,
        "a retired address is gone behind extension headers as well",
        syn(V6)
            .to("2001:db8:113::80")
            .behind(Extension::options(8))
            .behind(Extension::routing(8)),
        RETIRED.on("2001:db8:113::80/128"),
    );

    let mut rows = t.done();
    let mut t = Rows::under(NETWORKS);
    for ip in BOTH {
        let edges = ip.pick(
            ["192.0.2.64", "192.0.2.127"],
            ["2001:db8:113:40::", "2001:db8:113:7f:ffff:ffff:ffff:ffff"],
        );
        let outside = ip.pick(
            ["192.0.2.63", "192.0.2.128"],
            ["2001:db8:113:3f:ffff:ffff:ffff:ffff", "2001:db8:113:80::"],
        );
        let prefix = ip.pick("192.0.2.64/26", "2001:db8:113:40::/58");
        t.row(
            ip,
            "the first and the last address of a retired network are gone",
            edges.map(|to| ack(ip).to(to)).to_vec(),
            RETIRED.on(prefix),
        );
        t.row(
            ip,
            "the addresses before and behind a retired network are not",
            outside.map(|to| ack(ip).to(to)).to_vec(),
            PASS,
        );
    }
    t.row(
        V4,
        "of several retired prefixes the one that matches counts",
        syn(V4).to("203.0.113.99"),
        RETIRED.on("203.0.113.99/32"),
    );
    rows.extend(t.done());
    rows
}

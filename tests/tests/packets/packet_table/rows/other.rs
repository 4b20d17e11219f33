//! Row 3: packets that do not go to a protected port pass, from any source.

use etherparse::{IgmpHeader, IgmpType, IpNumber, igmp};

use crate::packet_table::{
    config::{ALL, Config, FULL, STANDARD, UNESTABLISHED},
    packet::{ACK, BOTH, RST, SYN, V4, V6, ack, packet, syn, tcp, udp},
    row::{PASS, Row, Rows},
};

pub fn rows() -> Vec<Row> {
    [STANDARD, FULL, UNESTABLISHED, ALL]
        .into_iter()
        .flat_map(passes)
        .chain(only_without_udp())
        .collect()
}

fn passes(config: Config) -> Vec<Row> {
    let mut t = Rows::under(config);
    for ip in BOTH {
        // The number 443 at the places of TCP and UDP ports, as source and as destination.
        let ports = [
            1, 187, 1, 187, 0, 0, 0, 2, 0x50, SYN, 0xff, 0xff, 0, 2, 0, 0, 0, 2, 0, 2,
        ];
        for (name, protocol) in [
            ("GRE", IpNumber::GRE),
            ("ESP", IpNumber::ENCAPSULATING_SECURITY_PAYLOAD),
            ("SCTP", IpNumber::SCTP),
            ("DCCP", IpNumber::DCCP),
            ("UDP-Lite", IpNumber::UDP_LITE),
            ("IPv4 in IP", IpNumber::IPV4),
            ("IPv6 in IP", IpNumber::IPV6),
            ("an unknown protocol", IpNumber(253)),
        ] {
            t.row(
                ip,
                format!("{name} passes, even if it looks like port 443"),
                packet(ip, protocol, ports),
                PASS,
            );
        }
        let echo = [ip.pick(8, 128), 0, 0, 0, 1, 187, 1, 187];
        t.row(
            ip,
            "a ping passes",
            packet(ip, ip.pick(IpNumber::ICMP, IpNumber::IPV6_ICMP), echo),
            PASS,
        );
        t.row(
            ip,
            "an ICMP error that cites port 443 passes",
            packet(
                ip,
                ip.pick(IpNumber::ICMP, IpNumber::IPV6_ICMP),
                [&[ip.pick(3, 1), 4, 0, 0], &ports[..]].concat(),
            ),
            PASS,
        );
        t.row(
            ip,
            "a SYN to another port passes",
            [0, 22, 79, 81, 442, 444, 8080, 65_535]
                .map(|port| syn(ip).port(port))
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "a segment with the protected port as its source passes",
            [ACK, SYN | ACK, RST]
                .map(|flags| tcp(ip, flags).source_port(443).port(40_000))
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "the answer to a connection of the host's own passes",
            tcp(ip, SYN | ACK).source_port(443).port(53_211),
            PASS,
        );
        t.row(
            ip,
            "a SYN from port 443 to another one passes",
            syn(ip).source_port(443).port(22),
            PASS,
        );
        t.row(
            ip,
            "a packet without anything behind its header passes, unless it is TCP or UDP",
            packet(ip, IpNumber(253), []),
            PASS,
        );
        t.row(
            ip,
            "UDP to another port passes",
            [53, 442, 444].map(|port| udp(ip, 20).port(port)).to_vec(),
            PASS,
        );
        t.row(
            ip,
            "SYNs to a broadcast or multicast address pass on other ports",
            syn(ip).to(ip.pick("255.255.255.255", "ff02::1")).port(22),
            PASS,
        );
    }
    let report = IgmpHeader::with_checksum(
        IgmpType::MembershipReportV2(igmp::MembershipReportV2Type {
            group_address: igmp::GroupAddress::new([224, 0, 0, 251]),
        }),
        &[],
    );
    t.row(
        V4,
        "IGMP passes",
        packet(V4, IpNumber::IGMP, report.to_bytes().to_vec()),
        PASS,
    );
    t.row(
        V4,
        "AH over IPv4 passes: no host reads TCP behind it without a key",
        packet(
            V4,
            IpNumber::AUTHENTICATION_HEADER,
            [&[6, 4, 0, 0][..], &[0; 20]].concat(),
        ),
        PASS,
    );
    t.row(
        V6,
        "no next header passes",
        packet(V6, IpNumber::IPV6_NO_NEXT_HEADER, []),
        PASS,
    );
    t.row(
        V6,
        "neighbour discovery passes",
        [133, 134, 135, 136]
            .map(|kind| packet(V6, IpNumber::IPV6_ICMP, [&[kind, 0, 0, 0][..], &[0; 20]].concat()))
            .to_vec(),
        PASS,
    );
    t.done()
}

fn only_without_udp() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    for ip in BOTH {
        t.row(
            ip,
            "UDP to port 443 passes where no UDP port is protected",
            vec![udp(ip, 1200), udp(ip, 0), udp(ip, 0).keep(3)],
            PASS,
        );
        t.row(
            ip,
            "a first UDP fragment passes there too",
            udp(ip, 64).fragment(0, true),
            PASS,
        );
        t.row(
            ip,
            "an ACK to a protected port passes",
            vec![ack(ip), ack(ip).port(80)],
            PASS,
        );
    }
    t.done()
}

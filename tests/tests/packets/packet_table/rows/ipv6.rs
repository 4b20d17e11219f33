//! No way around it, IPv6: extension headers in any order and number, with any payload. `ipv6_cut_short` has the
//! headers with wrong lengths.

use etherparse::IpNumber;

use crate::packet_table::{
    config::{ALL, FULL, STANDARD},
    extension::Extension,
    packet::{DOT1Q, Packet, SYN, V6, ack, packet, syn, udp},
    row::{FRAGMENT, MALFORMED, PASS, Row, Rows, UNTRUSTED_SEGMENT, UNTRUSTED_SYN, UNTRUSTED_UDP},
};

pub fn behind(packet: Packet, extensions: &[Extension]) -> Packet {
    extensions
        .iter()
        .fold(packet, |packet, extension| packet.behind(extension.clone()))
}

pub fn rows() -> Vec<Row> {
    [chains(), other_protocols(), at_other_settings()]
        .into_iter()
        .flatten()
        .collect()
}

fn chains() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    for (name, extension) in Extension::each() {
        t.row(
            V6,
            format!("a SYN behind {name} is dropped"),
            syn(V6).behind(extension.clone()),
            UNTRUSTED_SYN,
        );
        t.row(
            V6,
            format!("an ACK behind {name} passes"),
            ack(V6).behind(extension.clone()),
            PASS,
        );
        t.row(
            V6,
            format!("a SYN to another port behind {name} passes"),
            syn(V6).port(22).behind(extension.clone()),
            PASS,
        );
        t.row(
            V6,
            format!("the proxy's SYN behind {name} passes and counts"),
            syn(V6).from(V6.proxy()).behind(extension.clone()),
            PASS.on(V6.proxy_network()),
        );
        let eight = vec![extension.clone(); 8];
        let nine = vec![extension.clone(); 9];
        // Nine headers of 2 KiB do not fit into a page. The jumbo frames have such packets.
        if !name.starts_with("2 KiB") {
            t.row(
                V6,
                format!("a SYN behind {name}, eight times, is dropped"),
                behind(syn(V6), &eight),
                UNTRUSTED_SYN,
            );
            t.row(
                V6,
                format!("an ACK behind {name}, eight times, passes"),
                behind(ack(V6), &eight),
                PASS,
            );
            t.row(
                V6,
                format!("anything behind {name}, nine times, is malformed"),
                vec![behind(syn(V6), &nine), behind(ack(V6), &nine)],
                MALFORMED,
            );
        }
    }
    let recommended = [
        Extension::hop_by_hop(8),
        Extension::options(16),
        Extension::routing(24),
        Extension::atomic(),
        Extension::authentication(24),
        Extension::options(8),
    ];
    let reversed: Vec<_> = recommended.iter().rev().cloned().collect();
    t.row(
        V6,
        "a SYN behind one of each, in RFC 8200's order, is dropped",
        behind(syn(V6), &recommended),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a SYN behind one of each, the other way round, is dropped",
        behind(syn(V6), &reversed),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "an ACK behind one of each passes, in any order",
        vec![behind(ack(V6), &recommended), behind(ack(V6), &reversed)],
        PASS,
    );
    t.row(
        V6,
        "a SYN behind a chain behind VLAN tags is dropped",
        behind(syn(V6), &recommended).tag(DOT1Q, 5).tag(DOT1Q, 6),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "authentication headers of every length are walked",
        (12..=60)
            .step_by(4)
            .map(|len| syn(V6).behind(Extension::authentication(len)))
            .collect::<Vec<_>>(),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "options that look like a SYN are no SYN",
        ack(V6).behind(Extension::options(64)).data(&[SYN; 64]),
        PASS,
    );
    t.row(
        V6,
        "a SYN from the proxy behind nine headers passes",
        behind(syn(V6).from(V6.proxy()), &vec![Extension::options(8); 9]),
        PASS,
    );
    t.done()
}

fn other_protocols() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    for (name, extension) in Extension::each() {
        let icmp = packet(V6, IpNumber::IPV6_ICMP, [128, 0, 0, 0, 1, 187, 1, 187]);
        t.row(
            V6,
            format!("a ping behind {name} passes"),
            icmp.behind(extension.clone()),
            PASS,
        );
        t.row(
            V6,
            format!("no next header behind {name} passes"),
            packet(V6, IpNumber::IPV6_NO_NEXT_HEADER, []).behind(extension),
            PASS,
        );
    }
    let looks_like_tcp = [
        0x9c, 0x40, 1, 187, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, SYN, 0, 0, 0, 0, 0, 0,
    ];
    t.row(
        V6,
        "multicast listener reports, behind a router alert, pass",
        packet(V6, IpNumber::IPV6_ICMP, [143; 28])
            .to("ff02::16")
            .behind(Extension::hop_by_hop(8)),
        PASS,
    );
    t.row(
        V6,
        "ESP passes, alone and behind extension headers",
        vec![
            packet(V6, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, looks_like_tcp),
            packet(V6, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, looks_like_tcp)
                .behind(Extension::routing(8)),
        ],
        PASS,
    );
    t.row(
        V6,
        "an unknown next header passes, alone and behind others",
        vec![
            packet(V6, IpNumber(253), looks_like_tcp),
            packet(V6, IpNumber(200), looks_like_tcp).behind(Extension::options(8)),
        ],
        PASS,
    );
    t.row(
        V6,
        "no next header passes, with a segment behind it",
        packet(V6, IpNumber::IPV6_NO_NEXT_HEADER, looks_like_tcp).behind(Extension::options(8)),
        PASS,
    );
    t.row(
        V6,
        "ICMPv6 behind eight headers passes",
        behind(
            packet(V6, IpNumber::IPV6_ICMP, [128; 8]),
            &vec![Extension::options(8); 8],
        ),
        PASS,
    );
    t.row(
        V6,
        "ICMPv6 behind nine headers is malformed",
        behind(
            packet(V6, IpNumber::IPV6_ICMP, [128; 8]),
            &vec![Extension::options(8); 9],
        ),
        MALFORMED,
    );
    t.row(
        V6,
        "UDP behind extension headers passes where no UDP port is protected",
        udp(V6, 99).behind(Extension::routing(8)),
        PASS,
    );
    t.done()
}

fn at_other_settings() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut t = Rows::under(ALL);
    t.row(
        V6,
        "an ACK behind extension headers is dropped",
        Extension::each()
            .into_iter()
            .map(|(_, extension)| ack(V6).behind(extension))
            .collect::<Vec<_>>(),
        UNTRUSTED_SEGMENT,
    );
    t.row(
        V6,
        "chains too long or cut short are malformed",
        vec![
            behind(ack(V6), &vec![Extension::routing(8); 9]),
            ack(V6).behind(Extension::options(8).stated_len(9)),
        ],
        MALFORMED,
    );
    rows.extend(t.done());
    let mut t = Rows::under(FULL);
    t.row(
        V6,
        "protected UDP behind extension headers is dropped",
        Extension::each()
            .into_iter()
            .map(|(_, extension)| udp(V6, 40).behind(extension))
            .collect::<Vec<_>>(),
        UNTRUSTED_UDP,
    );
    t.row(
        V6,
        "a UDP header that ends before its ports, behind a chain, is malformed",
        udp(V6, 0).behind(Extension::options(8)).keep(3),
        MALFORMED,
    );
    t.row(
        V6,
        "a first fragment with the ports of protected UDP is dropped",
        udp(V6, 0).behind(Extension::options(8)).fragment(0, true),
        UNTRUSTED_UDP,
    );
    t.row(
        V6,
        "a first fragment without them is dropped",
        udp(V6, 0).keep(3).behind(Extension::options(8)).fragment(0, true),
        FRAGMENT,
    );
    rows.extend(t.done());
    rows
}

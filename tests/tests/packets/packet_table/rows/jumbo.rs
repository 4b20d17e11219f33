//! Frames larger than one page get the same verdicts, and are counted with their whole length.

use etherparse::IpNumber;

use crate::packet_table::{
    config::{ALL, FULL, STANDARD},
    extension::Extension,
    packet::{BOTH, DOT1Q, Packet, V4, V6, ack, packet, syn, udp},
    row::{FRAGMENT, MALFORMED, PASS, RETIRED, Row, Rows, UNTRUSTED_SEGMENT, UNTRUSTED_SYN, UNTRUSTED_UDP},
};

/// Data up to the usual jumbo MTU, and as much as one IP packet holds.
const SIZES: [usize; 4] = [4_096, 8_900, 20_000, 60_000];

fn behind(packet: Packet, count: usize) -> Packet {
    (0..count).fold(packet, |packet, _| packet.behind(Extension::options(2048)))
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut t = Rows::under(STANDARD);
    for ip in BOTH {
        let sized = |packet: fn(crate::packet_table::packet::Ip) -> Packet| {
            SIZES.map(|size| packet(ip).data(&vec![0x17; size])).to_vec()
        };
        t.row(
            ip,
            "a jumbo SYN with data is dropped, and counted whole",
            sized(syn),
            UNTRUSTED_SYN,
        );
        t.row(ip, "a jumbo ACK passes at level new, unchanged", sized(ack), PASS);
        t.row(
            ip,
            "a jumbo SYN to another port passes",
            syn(ip).port(22).data(&[0; 8000]),
            PASS,
        );
        t.row(
            ip,
            "a jumbo SYN from the proxy passes and counts",
            syn(ip).from(ip.proxy()).data(&[0; 8000]),
            PASS.on(ip.proxy_network()),
        );
        t.row(
            ip,
            "a jumbo SYN behind VLAN tags is dropped",
            syn(ip).data(&[0; 8000]).tag(DOT1Q, 1).tag(DOT1Q, 2),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a jumbo ping passes",
            packet(ip, ip.pick(IpNumber::ICMP, IpNumber::IPV6_ICMP), [8; 8000]),
            PASS,
        );
        t.row(
            ip,
            "a jumbo first fragment is judged",
            syn(ip).data(&[0; 8000]).fragment(0, true),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a jumbo later fragment passes",
            packet(ip, IpNumber::TCP, [0; 8000]).fragment(185, true),
            PASS,
        );
        t.row(
            ip,
            "padding up to a jumbo frame is not read",
            [1, 13].map(|len| syn(ip).keep(len).padding(&[2; 8000])).to_vec(),
            MALFORMED,
        );
    }
    // Lengths that do not fit into 16 bits, as in packets of the kernel's BIG TCP.
    t.row(
        V4,
        "merged segments beyond 64 KiB (a total length of 0) are judged",
        syn(V4).data(&vec![0; 66_000]).stated_len(0),
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "merged segments beyond 64 KiB of an open connection pass",
        ack(V4).data(&vec![0; 66_000]).stated_len(0),
        PASS,
    );
    t.row(
        V6,
        "a real jumbogram's SYN is dropped",
        syn(V6)
            .behind(Extension::jumbo(66_028))
            .data(&vec![0; 66_000])
            .stated_len(0),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a real jumbogram's ACK passes",
        ack(V6)
            .behind(Extension::jumbo(66_028))
            .data(&vec![0; 66_000])
            .stated_len(0),
        PASS,
    );
    t.row(
        V6,
        "a SYN behind eight headers of 2 KiB is dropped",
        (2..=8).map(|count| behind(syn(V6), count)).collect::<Vec<_>>(),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "an ACK behind eight headers of 2 KiB passes",
        (2..=8).map(|count| behind(ack(V6), count)).collect::<Vec<_>>(),
        PASS,
    );
    t.row(
        V6,
        "a SYN behind eight headers of 2 KiB and four VLAN tags is dropped",
        (1..5).fold(behind(syn(V6), 8), |packet, vlan| packet.tag(DOT1Q, vlan)),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "nine headers of 2 KiB are malformed",
        behind(syn(V6), 9),
        MALFORMED,
    );
    t.row(
        V6,
        "a chain that a jumbo frame cuts short is malformed",
        [0, 13].map(|len| behind(syn(V6), 8).keep(len)).to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "a first fragment whose flags are far behind is judged",
        behind(syn(V6).behind(Extension::fragment(0, true)), 7),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a first fragment that ends far behind, before its flags, is dropped",
        behind(syn(V6).behind(Extension::fragment(0, true)), 7).keep(13),
        FRAGMENT,
    );
    rows.extend(t.done());

    let mut t = Rows::under(ALL);
    for ip in BOTH {
        t.row(
            ip,
            "a jumbo ACK is dropped",
            ack(ip).data(&[0; 8000]),
            UNTRUSTED_SEGMENT,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(FULL);
    for ip in BOTH {
        let (former, prefix) = ip.former();
        t.row(
            ip,
            "a jumbo datagram to a protected UDP port is dropped",
            udp(ip, 8000),
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a jumbo frame to a retired address is dropped",
            udp(ip, 8000).to(former).port(53),
            RETIRED.on(prefix),
        );
    }
    rows.extend(t.done());
    rows
}

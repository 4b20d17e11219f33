//! Row 8: UDP to a protected UDP port, as QUIC uses it.

use etherparse::IpNumber;

use crate::packet_table::{
    config::FULL,
    packet::{BOTH, DOT1AD, packet, udp},
    row::{DENIED, FRAGMENT, MALFORMED, PASS, Row, Rows, UNTRUSTED_UDP},
};

pub fn rows() -> Vec<Row> {
    let mut t = Rows::under(FULL);
    for ip in BOTH {
        let denied = ip.pick("185.94.108.66", "2001:db8:94::66");
        let denied_on = ip.pick("185.94.108.66/32", "2001:db8:94::66/128");
        t.row(
            ip,
            "a stranger's QUIC Initial is dropped",
            udp(ip, 1200),
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a stranger's short datagram is dropped",
            vec![udp(ip, 0), udp(ip, 1), udp(ip, 21)],
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a stranger's datagram behind a VLAN tag is dropped",
            udp(ip, 40).tag(DOT1AD, 9),
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a datagram that ends behind its ports is dropped",
            vec![udp(ip, 0).keep(4), udp(ip, 0).keep(7)],
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a datagram that ends before its ports is malformed",
            (0..4).map(|len| udp(ip, 0).keep(len)).collect::<Vec<_>>(),
            MALFORMED,
        );
        t.row(
            ip,
            "the proxy's datagram passes and counts",
            udp(ip, 1200).from(ip.proxy()),
            PASS.on(ip.proxy_network()),
        );
        t.row(
            ip,
            "a denied source's datagram is dropped as denied",
            udp(ip, 1200).from(denied),
            DENIED.on(denied_on),
        );
        t.row(
            ip,
            "a datagram to another port passes, a denied source's too",
            vec![
                udp(ip, 99).port(53),
                udp(ip, 99).port(80),
                udp(ip, 99).from(denied).port(53),
            ],
            PASS,
        );
        t.row(
            ip,
            "a datagram from port 443 to another one passes: an answer to the host's own QUIC",
            udp(ip, 1200).source_port(443).port(50_123),
            PASS,
        );
        t.row(
            ip,
            "a first fragment with the ports in it is dropped",
            vec![udp(ip, 64).fragment(0, true), udp(ip, 0).fragment(0, true)],
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "a first fragment to another port passes",
            udp(ip, 64).port(53).fragment(0, true),
            PASS,
        );
        t.row(
            ip,
            "a first fragment that ends before its ports is dropped",
            (0..4)
                .map(|len| udp(ip, 0).keep(len).fragment(0, true))
                .collect::<Vec<_>>(),
            FRAGMENT,
        );
        t.row(
            ip,
            "a later fragment passes, at offset 1 too",
            [1, 2, 185]
                .map(|offset| udp(ip, 64).fragment(offset, false))
                .to_vec(),
            PASS,
        );
        t.row(
            ip,
            "UDP-Lite to port 443 passes",
            packet(ip, IpNumber::UDP_LITE, [0x9c, 0x40, 1, 187, 0, 8, 0, 0]),
            PASS,
        );
        let padded = |port: u16| {
            let bytes = udp(ip, 40).port(port).frame().bytes;
            let header = bytes[bytes.len() - 48..].to_vec();
            (1..4).map(move |len| udp(ip, 0).keep(len).padding(&header[len..]))
        };
        t.row(
            ip,
            "padding that looks like the ports is not read",
            padded(443).chain(padded(53)).collect::<Vec<_>>(),
            MALFORMED,
        );
        t.row(
            ip,
            "padding does not give a first fragment its ports",
            padded(443)
                .chain(padded(53))
                .map(|packet| packet.fragment(0, true))
                .collect::<Vec<_>>(),
            FRAGMENT,
        );
    }
    t.done()
}

//! Rows 6 and 7: only SYN and ACK decide whether an untrusted segment is a new connection. Other segments depend on
//! the drop level, which is in the name of the configuration.

use crate::packet_table::{
    config::{ALL, Config, FULL, STANDARD, UNESTABLISHED},
    packet::{ACK, BOTH, FIN, PSH, Packet, RST, SYN, URG, ack, syn, tcp, tcp_with_options},
    row::{Expect, PASS, Row, Rows, UNTRUSTED_SEGMENT, UNTRUSTED_STRAY, UNTRUSTED_SYN},
};

/// Segments with every combination of flags for which `wanted` is true.
fn flags(ip: crate::packet_table::packet::Ip, wanted: impl Fn(u8) -> bool) -> Vec<Packet> {
    (0..=u8::MAX)
        .filter(|flags| wanted(*flags))
        .map(|flags| tcp(ip, flags))
        .collect()
}

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (config, other) in [
        (STANDARD, PASS),
        (FULL, PASS),
        (UNESTABLISHED, UNTRUSTED_STRAY),
        (ALL, UNTRUSTED_SEGMENT),
    ] {
        rows.extend(at_level(config, other));
    }
    rows
}

fn at_level(config: Config, other: Expect) -> Vec<Row> {
    let mut t = Rows::under(config);
    let verb = if other.reason.is_none() {
        "passes"
    } else {
        "is dropped"
    };
    for ip in BOTH {
        let opens = flags(ip, |flags| flags & (SYN | ACK) == SYN);
        assert_eq!(opens.len(), 64);
        t.row(
            ip,
            "SYN without ACK is dropped, in all 64 combinations of the other flags",
            opens,
            UNTRUSTED_SYN,
        );
        let answers = flags(ip, |flags| flags & (SYN | ACK) == SYN | ACK);
        assert_eq!(answers.len(), 64);
        t.row(
            ip,
            format!("SYN with ACK, in all 64 combinations of the other flags, {verb}"),
            answers,
            other,
        );
        let without = flags(ip, |flags| flags & SYN == 0);
        assert_eq!(without.len(), 128);
        t.row(
            ip,
            format!("no SYN, in all 128 combinations of the other flags, {verb}"),
            without,
            other,
        );
        for (name, flags) in [
            ("an ACK scan", ACK),
            ("a FIN scan", FIN),
            ("a NULL scan", 0),
            ("an Xmas scan", FIN | PSH | URG),
            ("a Maimon scan", FIN | ACK),
            ("a RST", RST),
        ] {
            t.row(
                ip,
                format!("{name} {verb}"),
                vec![tcp(ip, flags), tcp(ip, flags).port(80)],
                other,
            );
        }
        t.row(
            ip,
            "a SYN with data (TCP Fast Open) is dropped",
            syn(ip).data(b"GET / HTTP/1.1\r\n\r\n"),
            UNTRUSTED_SYN,
        );
        // MSS, SACK permitted, timestamps and window scale, as Linux sends them; then a TFO cookie; then 40 NOPs.
        let linux = [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
        let cookie = [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1];
        t.row(
            ip,
            "a SYN with TCP options is dropped",
            [&linux[..], &cookie, &[1; 40]]
                .map(|options| tcp_with_options(ip, SYN, options))
                .to_vec(),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            format!("an ACK with TCP options {verb}"),
            tcp_with_options(ip, ACK, &linux[6..18]),
            other,
        );
        t.row(
            ip,
            "a SYN, whatever its data offset says, is dropped",
            (0..16)
                .map(|words| syn(ip).data_offset(words))
                .collect::<Vec<_>>(),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            format!("an ACK, whatever its data offset says, {verb}"),
            (0..16)
                .map(|words| ack(ip).data_offset(words))
                .collect::<Vec<_>>(),
            other,
        );
        t.row(
            ip,
            "a trusted SYN passes and counts",
            syn(ip).from(ip.proxy()),
            PASS.on(ip.proxy_network()),
        );
        t.row(
            ip,
            "any other trusted segment passes",
            flags(ip, |flags| flags & (SYN | ACK) != SYN)
                .into_iter()
                .map(|segment| segment.from(ip.proxy()))
                .collect::<Vec<_>>(),
            PASS,
        );
    }
    t.done()
}

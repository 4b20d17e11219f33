//! No way around it, IPv6: headers and chains cut short, wrong lengths, padding that looks like a header.

use etherparse::IpNumber;

use super::ipv6::behind;
use crate::packet_table::{
    config::STANDARD,
    extension::Extension,
    packet::{ACK, SYN, V6, ack, packet, syn, tcp},
    row::{MALFORMED, PASS, Row, Rows, UNTRUSTED_SYN},
};

pub fn rows() -> Vec<Row> {
    cut_short().into_iter().chain(lengths()).collect()
}

fn cut_short() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    t.row(
        V6,
        "a header that the frame cuts short is malformed",
        (0..40).map(|len| syn(V6).frame().cut_ip(len)).collect::<Vec<_>>(),
        MALFORMED,
    );
    t.row(
        V6,
        "another version than 6 behind the type of IPv6 is malformed",
        (0..16)
            .filter(|version| *version != 6)
            .map(|version| syn(V6).frame().poke(0, version << 4))
            .collect::<Vec<_>>(),
        MALFORMED,
    );
    t.row(
        V6,
        "a TCP header that the frame cuts short is malformed",
        [0, 1, 2, 3, 4, 8, 12, 13]
            .map(|len| syn(V6).frame().cut_ip(40 + len))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "a TCP header that the packet cuts short is malformed",
        [1, 2, 3, 4, 8, 12, 13].map(|len| syn(V6).keep(len)).to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "so it is behind an atomic fragment header",
        [0, 1, 3, 4, 13]
            .map(|len| syn(V6).behind(Extension::atomic()).keep(len))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "a SYN cut short behind its flags is dropped",
        vec![syn(V6).keep(14), syn(V6).keep(19)],
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "an ACK cut short behind its flags passes",
        vec![ack(V6).keep(14), ack(V6).keep(19)],
        PASS,
    );
    for (name, extension) in Extension::each() {
        let whole = || behind(syn(V6), &[Extension::options(16), extension.clone()]);
        t.row(
            V6,
            format!("a chain that the frame cuts short inside {name} is malformed"),
            (0..8)
                .map(|len| whole().frame().cut_ip(40 + 16 + len))
                .collect::<Vec<_>>(),
            MALFORMED,
        );
        t.row(
            V6,
            format!("a chain that the packet cuts short inside {name} is malformed"),
            (0..8).map(|len| whole().stated_len(16 + len)).collect::<Vec<_>>(),
            MALFORMED,
        );
        // A header that is cut short does not count, even if its next-header field is readable.
        let ping = || packet(V6, IpNumber::IPV6_ICMP, [128; 8]).behind(extension.clone());
        t.row(
            V6,
            format!("a ping whose chain is cut short inside {name} is malformed, too"),
            (1..8).map(|len| ping().stated_len(len)).collect::<Vec<_>>(),
            MALFORMED,
        );
        if !name.contains("fragment") && !name.starts_with("2 KiB") {
            t.row(
                V6,
                format!("a length of {name} beyond the packet is malformed"),
                vec![
                    syn(V6).behind(extension.clone().stated_len(255)),
                    ack(V6).behind(extension.stated_len(255)),
                ],
                MALFORMED,
            );
        }
    }
    t.row(
        V6,
        "a length in the middle of a chain beyond the packet is malformed",
        behind(
            syn(V6),
            &[
                Extension::options(8),
                Extension::options(8).stated_len(9),
                Extension::options(8),
            ],
        ),
        MALFORMED,
    );
    t.row(
        V6,
        "a chain that ends with a TCP header of no bytes is malformed",
        behind(syn(V6), &[Extension::options(8), Extension::routing(8)]).keep(0),
        MALFORMED,
    );
    t.done()
}

fn lengths() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    t.row(
        V6,
        "a header that leads out of the packet to another protocol passes: no host finds TCP there",
        packet(V6, IpNumber::ICMP, [SYN; 6]).behind(Extension::routing(8).stated_len(0xbb)),
        PASS,
    );
    t.row(
        V6,
        "a header that leads out of the packet to TCP is malformed",
        packet(V6, IpNumber::TCP, [SYN; 6]).behind(Extension::routing(8).stated_len(0xbb)),
        MALFORMED,
    );
    let jumbo = Extension::jumbo(70_000);
    t.row(
        V6,
        "a jumbogram's SYN (a payload length of 0) is dropped",
        syn(V6).behind(jumbo.clone()).stated_len(0),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a jumbogram's ACK passes",
        ack(V6).behind(jumbo).stated_len(0),
        PASS,
    );
    t.row(
        V6,
        "a payload length of 0 without that option hides no SYN",
        syn(V6).stated_len(0),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a payload length of 0, and the frame ends before the flags, is malformed",
        syn(V6).keep(13).stated_len(0),
        MALFORMED,
    );
    t.row(
        V6,
        "a payload length that ends before the flags is malformed",
        [1, 4, 13].map(|len| syn(V6).stated_len(len)).to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "padding that looks like the rest of a segment is not read",
        [SYN, ACK]
            .map(|flags| tcp(V6, flags).padding(&[flags; 20]).stated_len(4))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "padding that is the flags alone is not read",
        [0, SYN, ACK]
            .map(|flags| syn(V6).keep(13).padding(&[flags, 0, 0, 0, 0, 0, 0]))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V6,
        "padding that looks like an extension header is not read",
        syn(V6)
            .behind(Extension::options(8))
            .behind(Extension::options(8))
            .stated_len(8),
        MALFORMED,
    );
    t.row(
        V6,
        "a SYN with padding behind it is dropped",
        syn(V6).padding(&[0; 30]),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a payload length beyond the frame does not hide a SYN",
        [21, 1500, 65_535].map(|len| syn(V6).stated_len(len)).to_vec(),
        UNTRUSTED_SYN,
    );
    t.row(
        V6,
        "a payload length beyond the frame does not make an ACK a SYN",
        [21, 1500, 65_535].map(|len| ack(V6).stated_len(len)).to_vec(),
        PASS,
    );
    t.done()
}

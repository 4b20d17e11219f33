//! No way around it, IPv4: options, wrong lengths, headers cut short, padding that looks like a header.

use etherparse::IpNumber;

use crate::packet_table::{
    config::{ALL, STANDARD},
    frame::Frame,
    packet::{ACK, ETHERNET, SYN, V4, ack, packet, syn, tcp},
    row::{MALFORMED, PASS, Row, Rows, UNTRUSTED_SEGMENT, UNTRUSTED_SYN},
};

/// Options of every length that fits into the header.
fn paddings() -> impl Iterator<Item = Vec<u8>> {
    (0..=10).map(|words| vec![1; 4 * words])
}

pub fn rows() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    let record_route = [&[7, 39, 4][..], &[0; 36], &[0]].concat();
    let router_alert = [0x94, 4, 0, 0];
    let timestamp = [0x44, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let source_route = [0x83, 7, 4, 203, 0, 113, 10, 0];
    let options = [
        &record_route[..],
        &router_alert,
        &timestamp,
        &source_route,
        &[0, 0, 0, 0],
        &[0xde, 0xff, 0xff, 0xff],
    ];
    t.row(
        V4,
        "a SYN behind a header of 5 to 15 words is dropped",
        paddings()
            .map(|nops| syn(V4).ipv4_options(&nops))
            .collect::<Vec<_>>(),
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "an ACK behind a header of 5 to 15 words passes",
        paddings()
            .map(|nops| ack(V4).ipv4_options(&nops))
            .collect::<Vec<_>>(),
        PASS,
    );
    t.row(
        V4,
        "a SYN behind real options, or broken ones, is dropped",
        options.map(|options| syn(V4).ipv4_options(options)).to_vec(),
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "a SYN to another port behind options passes",
        paddings()
            .map(|nops| syn(V4).port(22).ipv4_options(&nops))
            .collect::<Vec<_>>(),
        PASS,
    );
    // A SYN to 443 written into the options of a SYN to 22, and the other way round.
    let decoy = |port: u16| {
        [
            &[0x9c, 0x40][..],
            &port.to_be_bytes(),
            &[0; 8],
            &[0x50, SYN, 0, 0],
            &[0; 4],
        ]
        .concat()
    };
    t.row(
        V4,
        "options that look like a SYN are no SYN",
        ack(V4).ipv4_options(&decoy(443)),
        PASS,
    );
    t.row(
        V4,
        "options that look like another port hide no SYN",
        syn(V4).ipv4_options(&decoy(22)),
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "the proxy's SYN behind options passes and counts",
        syn(V4).from(V4.proxy()).ipv4_options(&router_alert),
        PASS.on(V4.proxy_network()),
    );
    t.row(
        V4,
        "a SYN that must not be fragmented is dropped",
        syn(V4).dont_fragment(),
        UNTRUSTED_SYN,
    );

    t.row(
        V4,
        "a header of fewer than 5 words is malformed",
        (0..5)
            .map(|words| syn(V4).frame().poke(0, 0x40 | words))
            .collect::<Vec<_>>(),
        MALFORMED,
    );
    t.row(
        V4,
        "another version than 4 behind the type of IPv4 is malformed",
        (0..16)
            .filter(|version| *version != 4)
            .map(|version| syn(V4).frame().poke(0, version << 4 | 5))
            .collect::<Vec<_>>(),
        MALFORMED,
    );
    t.row(
        V4,
        "a header that the frame cuts short is malformed",
        (0..20).map(|len| syn(V4).frame().cut_ip(len)).collect::<Vec<_>>(),
        MALFORMED,
    );
    t.row(
        V4,
        "options that the frame cuts short are malformed",
        (20..60)
            .map(|len| syn(V4).ipv4_options(&[1; 40]).frame().cut_ip(len))
            .collect::<Vec<_>>(),
        MALFORMED,
    );
    t.row(
        V4,
        "a TCP header that the frame cuts short is malformed",
        [0, 1, 2, 3, 4, 8, 12, 13]
            .map(|len| syn(V4).frame().cut_ip(20 + len))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V4,
        "a TCP header that the packet cuts short is malformed",
        [0, 1, 2, 3, 4, 8, 12, 13].map(|len| syn(V4).keep(len)).to_vec(),
        MALFORMED,
    );
    t.row(
        V4,
        "so it is to another port, or without SYN",
        vec![syn(V4).port(22).keep(13), ack(V4).keep(13)],
        MALFORMED,
    );
    t.row(
        V4,
        "a SYN cut short behind its flags is dropped",
        vec![syn(V4).keep(14), syn(V4).keep(19)],
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "an ACK cut short behind its flags passes",
        vec![ack(V4).keep(14), ack(V4).keep(19)],
        PASS,
    );
    t.row(
        V4,
        "a SYN that the frame cuts short behind its flags is dropped",
        [14, 15, 19].map(|len| syn(V4).frame().cut_ip(20 + len)).to_vec(),
        UNTRUSTED_SYN,
    );

    t.row(
        V4,
        "a total length of 0 (merged segments) reaches to the end of the frame: a SYN is dropped",
        vec![syn(V4).stated_len(0), syn(V4).data(&[0; 999]).stated_len(0)],
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "a total length of 0 reaches to the end of the frame: an ACK passes",
        ack(V4).data(&[0; 999]).stated_len(0),
        PASS,
    );
    t.row(
        V4,
        "a total length of 0, and the frame ends before the flags, is malformed",
        syn(V4).keep(13).stated_len(0),
        MALFORMED,
    );
    t.row(
        V4,
        "a total length shorter than the header is malformed",
        [1, 4, 19].map(|len| syn(V4).stated_len(len)).to_vec(),
        MALFORMED,
    );
    t.row(
        V4,
        "a total length that ends inside the options is malformed",
        [20, 30, 59]
            .map(|len| syn(V4).ipv4_options(&[1; 40]).stated_len(len))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V4,
        "a total length beyond the frame does not hide a SYN",
        [41, 1500, 65_535].map(|len| syn(V4).stated_len(len)).to_vec(),
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "a total length beyond the frame does not make an ACK a SYN",
        [41, 1500, 65_535].map(|len| ack(V4).stated_len(len)).to_vec(),
        PASS,
    );
    t.row(
        V4,
        "a total length beyond a frame that ends before the flags is malformed",
        syn(V4).frame().cut_ip(33),
        MALFORMED,
    );

    // The padding of a short Ethernet frame has any content, even old memory of the sender.
    t.row(
        V4,
        "a SYN with padding behind it is dropped",
        vec![syn(V4).padding(&[0; 6]), syn(V4).padding(&[0xff; 400])],
        UNTRUSTED_SYN,
    );
    t.row(
        V4,
        "padding that looks like the rest of a SYN is not read",
        syn(V4).keep(4).padding(&rest_of(SYN)),
        MALFORMED,
    );
    t.row(
        V4,
        "padding that looks like the rest of an ACK is not read",
        syn(V4).keep(4).padding(&rest_of(ACK)),
        MALFORMED,
    );
    t.row(
        V4,
        "padding that is the flags alone is not read",
        [0, SYN, ACK]
            .map(|flags| syn(V4).keep(13).padding(&[flags, 0, 0, 0, 0, 0, 0]))
            .to_vec(),
        MALFORMED,
    );
    t.row(
        V4,
        "padding that looks like a whole segment is not read",
        vec![
            syn(V4).keep(0).padding(&tcp_header(SYN)),
            syn(V4).keep(0).padding(&tcp_header(ACK)),
        ],
        MALFORMED,
    );
    t.row(
        V4,
        "padding behind another protocol is not read",
        packet(V4, IpNumber::ICMP, [8, 0, 0, 0]).padding(&tcp_header(SYN)),
        PASS,
    );

    let mut rows = t.done();
    let mut t = Rows::under(ALL);
    t.row(
        V4,
        "an ACK behind options is dropped",
        paddings()
            .map(|nops| ack(V4).ipv4_options(&nops))
            .collect::<Vec<_>>(),
        UNTRUSTED_SEGMENT,
    );
    t.row(
        V4,
        "malformed headers are malformed",
        vec![ack(V4).keep(13).frame(), ack(V4).frame().poke(0, 0x44)],
        MALFORMED,
    );
    rows.extend(t.done());
    rows
}

fn tcp_header(flags: u8) -> Vec<u8> {
    let Frame { bytes, .. } = tcp(V4, flags).frame();
    bytes[ETHERNET + 20..].to_vec()
}

/// A TCP header with these flags, without its ports.
fn rest_of(flags: u8) -> Vec<u8> {
    tcp_header(flags)[4..].to_vec()
}

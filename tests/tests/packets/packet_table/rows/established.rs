//! Row 7 at level `unestablished`: the sockets of the host decide. The module `sockets` opens them.

use crate::packet_table::{
    config::UNESTABLISHED,
    extension::Extension,
    packet::{ACK, BOTH, DOT1Q, FIN, Ip, PSH, Packet, RST, SYN, V6, ack, packet, syn, tcp},
    row::{FRAGMENT, PASS, Row, Rows, UNTRUSTED_STRAY, UNTRUSTED_SYN},
    sockets::{HALF_CLOSED, OPEN, OPEN_TO_BOTH, OVER},
};

/// The segments of a connection between these ends.
fn segments(ip: Ip, port: u16) -> Vec<Packet> {
    [ACK, PSH | ACK, FIN | ACK, RST, RST | ACK, SYN | ACK, 0, FIN]
        .map(|flags| tcp(ip, flags).source_port(port))
        .to_vec()
}

pub fn rows() -> Vec<Row> {
    let mut t = Rows::under(UNESTABLISHED);
    for ip in BOTH {
        let lo = ip.pick("127.0.0.1", "::1");
        t.row(
            ip,
            "segments of an open connection pass",
            segments(ip, OPEN),
            PASS,
        );
        t.row(
            ip,
            "segments of a half-closed connection pass",
            segments(ip, HALF_CLOSED),
            PASS,
        );
        t.row(
            ip,
            "an ACK for a connection in TIME_WAIT passes",
            ack(ip).source_port(OVER),
            PASS,
        );
        t.row(
            ip,
            "data of an open connection passes",
            tcp(ip, PSH | ACK).source_port(OPEN).data(&[0x17; 1000]),
            PASS,
        );
        t.row(
            ip,
            "an open connection over loopback passes",
            ack(ip).source_port(OPEN).from(lo).to(lo),
            PASS,
        );
        t.row(
            ip,
            "an open connection to a socket for both IP versions passes",
            ack(ip).source_port(OPEN_TO_BOTH).port(80),
            PASS,
        );
        t.row(
            ip,
            "a new SYN between the ends of an open connection is dropped",
            syn(ip).source_port(OPEN),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a new SYN between the ends of a connection in TIME_WAIT is dropped",
            syn(ip).source_port(OVER),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "segments to a listener, without a connection, are dropped",
            segments(ip, 50_000),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "segments to a listener for both IP versions are dropped",
            ack(ip).source_port(50_000).port(80),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "segments to a protected port without a socket are dropped",
            ack(ip).port(8443),
            UNTRUSTED_STRAY,
        );
        let next_door = ip.pick("198.51.100.67", "2001:db8:bad::67");
        t.row(
            ip,
            "the right ports from another address are no connection",
            ack(ip).source_port(OPEN).from(next_door),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "the right ends but another remote port are no connection",
            ack(ip).source_port(OPEN + 1000),
            UNTRUSTED_STRAY,
        );
        let elsewhere = ip.pick("203.0.113.11", "2001:db8:113::11");
        t.row(
            ip,
            "the right ports to another address are no connection",
            ack(ip).source_port(OPEN).to(elsewhere),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "the ends of a connection the other way round are none",
            ack(ip)
                .from(ip.host())
                .to(ip.stranger())
                .source_port(OPEN)
                .port(443),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "a trusted source needs no connection",
            ack(ip).from(ip.proxy()).port(8443),
            PASS,
        );
        t.row(
            ip,
            "a port that is not protected needs no connection",
            ack(ip).port(22),
            PASS,
        );
        t.row(
            ip,
            "a segment of an open connection behind VLAN tags passes",
            ack(ip).source_port(OPEN).tag(DOT1Q, 7).tag(DOT1Q, 8),
            PASS,
        );
        t.row(
            ip,
            "a first fragment of an open connection passes",
            ack(ip).source_port(OPEN).data(&[0; 100]).fragment(0, true),
            PASS,
        );
        t.row(
            ip,
            "a first fragment without a connection is dropped",
            ack(ip).data(&[0; 100]).fragment(0, true),
            UNTRUSTED_STRAY,
        );
        t.row(
            ip,
            "a first fragment that hides its flags is dropped, connection or not",
            ack(ip).source_port(OPEN).keep(8).fragment(0, true),
            FRAGMENT,
        );
        t.row(
            ip,
            "a later fragment passes",
            packet(ip, etherparse::IpNumber::TCP, [0; 64]).fragment(185, false),
            PASS,
        );
    }
    t.row(
        V6,
        "a segment of an open connection behind extension headers passes",
        ack(V6)
            .source_port(OPEN)
            .behind(Extension::options(8))
            .behind(Extension::atomic()),
        PASS,
    );
    t.row(
        V6,
        "a segment without a connection behind them is dropped",
        ack(V6).behind(Extension::options(8)).behind(Extension::atomic()),
        UNTRUSTED_STRAY,
    );
    t.done()
}

//! Row 3: which ports are protected. Sets and ranges up to their edges, and any number of them.

use crate::packet_table::{
    config::{Config, STANDARD},
    packet::{BOTH, syn, udp},
    row::{PASS, Row, Rows, UNTRUSTED_SYN, UNTRUSTED_UDP},
};

const RANGE: Config = Config {
    name: "ports 80,443,8000-8010",
    tcp: "80,443,8000-8010",
    ..STANDARD
};
/// More ports than `-m multiport` takes in one rule.
const MANY: Config = Config {
    name: "70 ports and the last one",
    tcp: "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35,37,39,41,43,45,47,49,51,53,55,57,59,61,63,65,67,69,71,\
          73,75,77,79,81,83,85,87,89,91,93,95,97,99,101,103,105,107,109,111,113,115,117,119,121,123,125,127,129,\
          131,133,135,137,139,65535",
    ..STANDARD
};
const EVERY: Config = Config {
    name: "every port",
    tcp: "1-65535",
    udp: "1-65535",
    ..STANDARD
};
const OTHERS: Config = Config {
    name: "tcp 8443, udp 53,443",
    tcp: "8443",
    udp: "53,443",
    ..STANDARD
};

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut t = Rows::under(RANGE);
    for ip in BOTH {
        let to = |ports: &[u16]| ports.iter().map(|port| syn(ip).port(*port)).collect::<Vec<_>>();
        t.row(
            ip,
            "each port of a set and of a range is protected",
            to(&[80, 443, 8000, 8001, 8007, 8008, 8010]),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "the ports beside a set and a range are not",
            to(&[79, 81, 442, 444, 7999, 8011]),
            PASS,
        );
        // In the wrong byte order, 80 would be 20480 and 443 would be 47873.
        t.row(
            ip,
            "a port is not its bytes the other way round",
            to(&[20_480, 47_873]),
            PASS,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(MANY);
    for ip in BOTH {
        let odd = (1..140).step_by(2).chain([65_535]);
        t.row(
            ip,
            "each of 71 ports is protected",
            odd.map(|port| syn(ip).port(port)).collect::<Vec<_>>(),
            UNTRUSTED_SYN,
        );
        let even = (0..142).step_by(2).chain([443, 65_534]);
        t.row(
            ip,
            "each port between them is not",
            even.map(|port| syn(ip).port(port)).collect::<Vec<_>>(),
            PASS,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(EVERY);
    for ip in BOTH {
        let ports = || (0..16).map(|bit| 1_u16 << bit).chain([22, 443, 65_535]);
        t.row(
            ip,
            "every port is protected",
            ports().map(|port| syn(ip).port(port)).collect::<Vec<_>>(),
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "every UDP port is protected",
            ports().map(|port| udp(ip, 9).port(port)).collect::<Vec<_>>(),
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "port 0, which nobody can listen on, is not",
            vec![syn(ip).port(0), udp(ip, 9).port(0)],
            PASS,
        );
    }
    rows.extend(t.done());
    let mut t = Rows::under(OTHERS);
    for ip in BOTH {
        t.row(
            ip,
            "a TCP port is protected for TCP alone",
            udp(ip, 9).port(8443),
            PASS,
        );
        t.row(
            ip,
            "a UDP port is protected for UDP alone",
            vec![syn(ip).port(443), syn(ip).port(53)],
            PASS,
        );
        t.row(
            ip,
            "each UDP port of a set is protected",
            vec![udp(ip, 9), udp(ip, 9).port(53)],
            UNTRUSTED_UDP,
        );
        t.row(
            ip,
            "the TCP port of a set of one is protected",
            syn(ip).port(8443),
            UNTRUSTED_SYN,
        );
    }
    rows.extend(t.done());
    rows
}

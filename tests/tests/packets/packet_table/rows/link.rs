//! Row 1: frames that are not IPv4 or IPv6 after up to 4 VLAN tags pass. IP packets behind the tags are judged.
//! Frames with more tags are malformed.

use etherparse::{ArpEthIpv4Packet, ArpOperation};

use crate::packet_table::{
    config::{FULL, STANDARD},
    frame::Frame,
    packet::{BOTH, DOT1AD, DOT1Q, Packet, ack, syn},
    row::{MALFORMED, PASS, Row, Rows, UNTRUSTED_SYN},
};

fn arp(target: [u8; 4]) -> Frame {
    let request = ArpEthIpv4Packet {
        operation: ArpOperation::REQUEST,
        sender_mac: [2, 0, 0, 0, 0, 3],
        sender_ipv4: [198, 51, 100, 66],
        target_mac: [0; 6],
        target_ipv4: target,
    };
    Frame::other(0x0806, &request.to_bytes())
}

/// A frame whose source the program does not read.
fn sourceless(packet: Packet) -> Frame {
    Frame {
        source: None,
        ..packet.frame()
    }
}

fn tagged(packet: Packet, tpids: &[u16]) -> Packet {
    tpids.iter().fold(packet, |packet, tpid| packet.tag(*tpid, 100))
}

pub fn rows() -> Vec<Row> {
    let mut t = Rows::under(STANDARD);
    t.named("an ARP request passes", arp([203, 0, 113, 10]), PASS);
    t.named(
        "LLDP passes",
        Frame::other(0x88cc, &[2, 7, 4, 2, 0, 0, 0, 0, 3]),
        PASS,
    );
    t.named(
        "an 802.3 frame, a length in the place of the type, passes",
        Frame::other(38, &[0x42; 38]),
        PASS,
    );
    t.named(
        "an unknown EtherType passes",
        Frame::other(0x1234, &[0x45; 60]),
        PASS,
    );
    t.named(
        "MPLS passes, though IPv4 is behind the label",
        Frame::other(0x8847, &[0x45; 60]),
        PASS,
    );
    t.named(
        "PPPoE passes, though IPv4 is behind the session",
        Frame::other(0x8864, &[0x45; 60]),
        PASS,
    );
    t.named(
        "a frame of an Ethernet header alone passes",
        Frame::other(0x1234, &[]),
        PASS,
    );
    t.named(
        "a frame that ends inside a VLAN tag passes",
        (0..4)
            .map(|len| Frame::other(DOT1Q, &[0, 100, 8, 0][..len]))
            .collect::<Vec<_>>(),
        PASS,
    );
    t.named(
        "a frame of four tags that ends inside the last one passes",
        (12..16)
            .map(|len| {
                Frame::other(
                    DOT1AD,
                    &[0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x81, 0, 0, 4, 8, 0][..len],
                )
            })
            .collect::<Vec<_>>(),
        PASS,
    );
    t.named(
        "tagged ARP passes",
        Frame::other(
            DOT1Q,
            &[&[0, 100, 8, 6][..], &arp([203, 0, 113, 10]).bytes[14..]].concat(),
        ),
        PASS,
    );
    t.named(
        "an IP type with nothing behind it is malformed",
        [0x0800, 0x86dd].map(|kind| Frame::other(kind, &[])).to_vec(),
        MALFORMED,
    );
    for ip in BOTH {
        for (name, tpids) in [
            ("one 802.1Q tag", &[DOT1Q][..]),
            ("one 802.1ad tag", &[DOT1AD]),
            ("two tags, 802.1ad outside", &[DOT1AD, DOT1Q]),
            ("two tags, 802.1Q outside", &[DOT1Q, DOT1AD]),
            ("three mixed tags", &[DOT1AD, DOT1Q, DOT1AD]),
            ("four 802.1Q tags", &[DOT1Q; 4]),
            ("four mixed tags", &[DOT1AD, DOT1AD, DOT1Q, DOT1Q]),
        ] {
            t.row(
                ip,
                format!("a SYN behind {name} is dropped"),
                tagged(syn(ip), tpids),
                UNTRUSTED_SYN,
            );
            t.row(
                ip,
                format!("an ACK behind {name} passes"),
                tagged(ack(ip), tpids),
                PASS,
            );
        }
        t.row(
            ip,
            "a SYN behind a priority tag (VLAN 0) is dropped",
            vec![syn(ip).tag(DOT1Q, 0), syn(ip).tag(DOT1Q, 0).tag(DOT1AD, 0)],
            UNTRUSTED_SYN,
        );
        t.row(
            ip,
            "a SYN from the proxy behind a tag passes and counts",
            tagged(syn(ip).from(ip.proxy()), &[DOT1Q]),
            PASS.on(ip.proxy_network()),
        );
        t.row(
            ip,
            "a SYN behind five or more tags is malformed: Linux looks behind any number of VLAN 0",
            [
                tagged(syn(ip), &[DOT1Q; 5]),
                tagged(syn(ip), &[DOT1AD; 20]),
                (0..5).fold(syn(ip), |frame, _| frame.tag(DOT1Q, 0)),
                (0..6).fold(syn(ip), |frame, _| frame.tag(DOT1AD, 0)),
                (0..20).fold(syn(ip), |frame, _| frame.tag(DOT1Q, 0)),
            ]
            .map(sourceless)
            .to_vec(),
            MALFORMED,
        );
        t.row(
            ip,
            "a SYN behind a tag of the old type 0x9100 passes",
            tagged(syn(ip), &[0x9100]),
            PASS,
        );
    }

    let mut rows = t.done();
    let mut t = Rows::under(FULL);
    t.named(
        "an ARP request for a retired address passes",
        arp([192, 0, 2, 80]),
        PASS,
    );
    rows.extend(t.done());
    rows
}

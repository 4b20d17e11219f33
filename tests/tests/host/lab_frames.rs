//! Frames on the laboratory's wire: floods, captures, large frames and tagged frames. Needs root.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tests::lab::frame::Endpoint;
use tests::lab::{Captured, Family, Flood, Host, Output, PAGE, Site, Wire, frame};

const SOON: Duration = Duration::from_secs(5);
const BOTH: [Family; 2] = [Family::V4, Family::V6];

/// Frames that `eth0` of the host has received.
fn received(host: &Host) -> u64 {
    let links = Output::of(host.command("ip").args(["-json", "-s", "link", "show", "eth0"])).json();
    links[0]["stats64"]["rx"]["packets"].as_u64().expect("a counter")
}

/// An address that no host has, at the host's MAC address. So the host does not look up neighbours for answers.
fn unowned(host: &Host, family: Family) -> Endpoint {
    let address = if family == Family::V4 {
        "192.0.2.1"
    } else {
        "2001:db8::1"
    };
    let address = address.parse().expect("an address");
    Endpoint {
        address,
        ..host.endpoint(family, 443)
    }
}

#[test]
fn a_flood_arrives_in_full_and_with_right_checksums() {
    let site = Site::plan().without_server().build();
    for family in BOTH {
        let to = unowned(&site.origin, family);
        let capture = site.origin.capture();
        let before = received(&site.origin);
        let sent = Flood::to(to)
            .frames(20_000)
            .lasting(SOON)
            .run(&site.attacker, &AtomicBool::new(false));
        let arrived = received(&site.origin) - before;
        assert_eq!(sent.frames, 20_000);
        assert!(
            (20_000..20_050).contains(&arrived),
            "{arrived} of {} frames arrived",
            sent.frames
        );
        let seen = capture.matching(Duration::from_millis(100), |frame| {
            frame
                .addresses()
                .is_some_and(|(_, destination)| destination == to.address)
        });
        let sources: HashSet<_> = seen.iter().map(|frame| frame.addresses().unwrap().0).collect();
        assert!(
            sources.len() > 19_900,
            "{} different sources in {} frames",
            sources.len(),
            seen.len()
        );
        for frame in seen.iter().take(500) {
            let packet = etherparse::SlicedPacket::from_ethernet(&frame.bytes).unwrap();
            let tcp = frame.tcp().unwrap();
            assert!(tcp.syn && !tcp.ack && tcp.destination_port == 443);
            let checksum = match packet.net.unwrap() {
                etherparse::NetSlice::Ipv4(ip) => {
                    let header = ip.header().to_header();
                    assert_eq!(header.header_checksum, header.calc_header_checksum());
                    tcp.calc_checksum_ipv4(&header, &[])
                }
                etherparse::NetSlice::Ipv6(ip) => tcp.calc_checksum_ipv6(&ip.header().to_header(), &[]),
                other => panic!("{other:?}"),
            };
            assert_eq!(Ok(tcp.checksum), checksum.map_err(drop));
        }
    }
}

#[test]
fn a_flood_ends_when_its_time_is_up_and_when_it_is_told_to() {
    let site = Site::plan().without_server().build();
    let to = unowned(&site.origin, Family::V4);
    let flood = Flood::to(to).frames(u64::MAX).lasting(Duration::from_millis(200));
    let sent = flood.run(&site.attacker, &AtomicBool::new(false));
    assert!(
        sent.time >= Duration::from_millis(200) && sent.time < Duration::from_secs(2),
        "{sent:?}"
    );
    assert!(sent.frames > 1000, "{sent:?}");
    println!(
        "{:.0} frames a second",
        sent.frames as f64 / sent.time.as_secs_f64()
    );
    assert_eq!(flood.run(&site.attacker, &AtomicBool::new(true)).frames, 0);
}

#[test]
fn a_flood_can_carry_the_senders_own_address_in_a_share_of_its_frames() {
    let site = Site::plan().without_server().build();
    for family in BOTH {
        let capture = site.attacker.capture();
        let flood = Flood::to(unowned(&site.origin, family))
            .frames(1000)
            .own_address_in_one_of(10);
        flood.run(&site.attacker, &AtomicBool::new(false));
        let own = capture.matching(Duration::ZERO, |frame| {
            let from = frame.addresses().map(|(from, _)| from);
            frame.tcp().is_some() && from == Some(site.attacker.address(family))
        });
        assert_eq!(own.len(), 100);
    }
}

#[test]
fn a_capture_sees_a_syn_and_its_answer() {
    let site = Site::standard();
    for family in BOTH {
        // So that no host has to look up a neighbour first.
        site.attacker
            .get(&site.origin.url("http", family, "/"), SOON)
            .expect("an answer");
        let (from, to) = (
            site.attacker.endpoint(family, 40_000),
            site.origin.endpoint(family, 443),
        );
        let (at_origin, at_attacker) = (site.origin.capture(), site.attacker.capture());
        site.attacker.send_frame(&frame::syn(from, to));
        let answer = |outgoing: bool| {
            move |frame: &Captured| {
                frame.outgoing == outgoing
                    && frame.addresses() == Some((to.address, from.address))
                    && frame
                        .tcp()
                        .is_some_and(|tcp| tcp.syn && tcp.ack && tcp.destination_port == 40_000)
            }
        };
        assert!(
            at_origin.first(SOON, answer(true)).is_some(),
            "the origin did not answer"
        );
        assert!(
            at_attacker.first(SOON, answer(false)).is_some(),
            "the answer did not arrive"
        );
        let nobody = at_attacker.matching(Duration::from_millis(100), |frame| {
            frame
                .addresses()
                .is_some_and(|(source, _)| source == site.proxy.address(family))
        });
        assert!(nobody.is_empty(), "frames of a host that sent none");
    }
}

#[test]
fn large_frames_cross_a_wire_that_is_wide_enough() {
    let site = Site::plan().mtu(9000).without_server().build();
    for family in BOTH {
        let to = SocketAddr::new(site.origin.address(family), 7);
        let from = SocketAddr::new(site.proxy.address(family), 0);
        let capture = site.origin.capture();
        site.proxy
            .run(|| UdpSocket::bind(from).unwrap().send_to(&[0; 8900], to).unwrap());
        let large = capture.first(SOON, |frame| !frame.outgoing && frame.bytes.len() > 8900);
        assert!(large.is_some(), "the frame did not arrive in one piece");
    }
}

#[test]
fn tagged_frames_carry_their_tag_inside() {
    if !Wire::can_tag() {
        println!("skipped: this kernel is built without 802.1Q");
        return;
    }
    let site = Site::plan().vlan(42).build();
    // Recorded at the sender, because an incoming frame is recorded without its tag.
    let capture = site.attacker.capture();
    for family in BOTH {
        let answer = site
            .attacker
            .get(&site.origin.url("http", family, "/"), SOON)
            .expect("an answer");
        assert_eq!(answer.body, PAGE);
        let tagged = |frame: &Captured| {
            let goes_to = frame.addresses().map(|(_, to)| to);
            frame.bytes[12..16] == [0x81, 0, 0, 42] && goes_to == Some(site.origin.address(family))
        };
        assert!(
            capture.first(SOON, tagged).is_some(),
            "no tagged frame to the origin"
        );
    }
}

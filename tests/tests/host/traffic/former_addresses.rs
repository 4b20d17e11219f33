//! `retire`: a former address answers no packet, while the host works under its new address.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use etherparse::PacketBuilder;
use tests::lab::{Captured, Family, Host, Site};

use crate::traffic::visit::{
    BOTH, SILENCE, SOON, dropped, filtered, hears_nothing, is_served, json, port, synwall,
};

const FORMER: [&str; 2] = ["203.0.113.9", "2001:db8:113::9"];

/// Whether that address of the origin answers an ICMP echo request within that time.
fn pings(site: &Site, visitor: &Host, address: &str, patience: Duration) -> bool {
    let to: IpAddr = address.parse().expect("an address");
    let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
    let from = visitor.address(family);
    let ethernet = PacketBuilder::ethernet2(visitor.mac(), site.origin.mac());
    let mut request = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet
            .ipv4(from.octets(), to.octets(), 64)
            .icmpv4_echo_request(7, 1)
            .write(&mut request, b"ping"),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet
            .ipv6(from.octets(), to.octets(), 64)
            .icmpv6_echo_request(7, 1)
            .write(&mut request, b"ping"),
        _ => unreachable!("the visitor's address is of the same family"),
    }
    .expect("a frame");
    let capture = visitor.capture();
    visitor.send_frame(&request);
    let answers = |frame: &Captured| {
        !frame.outgoing && frame.addresses() == Some((to, from)) && frame.bytes.ends_with(b"ping")
    };
    capture.first(patience, answers).is_some()
}

fn a_former_address_is_silent_and_the_present_one_works(mode: &str) {
    let site = filtered(mode, "");
    site.origin
        .namespace()
        .ip("addr add 203.0.113.9/24 dev eth0\naddr add 2001:db8:113::9/64 dev eth0 nodad\n");
    let former = |at: usize, port| SocketAddr::new(FORMER[at].parse::<IpAddr>().unwrap(), port);
    for (at, family) in BOTH.into_iter().enumerate() {
        is_served(&site.proxy, former(at, 80));
        assert!(
            pings(&site, &site.attacker, FORMER[at], SOON),
            "the test proves nothing"
        );
        synwall(
            &site,
            &format!("retire add {} --label before-the-proxy", FORMER[at]),
        );
        // This holds for trusted and untrusted sources, for every port, and for every protocol.
        hears_nothing(&site.proxy, former(at, 80));
        hears_nothing(&site.attacker, former(at, 80));
        hears_nothing(&site.attacker, former(at, 22));
        assert!(
            !pings(&site, &site.attacker, FORMER[at], SILENCE),
            "it answers ping"
        );
        assert!(
            !pings(&site, &site.proxy, FORMER[at], SILENCE),
            "it answers the proxy's ping"
        );
        is_served(&site.proxy, port(&site.origin, family, 80));
        assert!(pings(
            &site,
            &site.attacker,
            &site.origin.address(family).to_string(),
            SOON
        ));
    }
    let (packets, _) = dropped(&site, "retired");
    assert!(packets >= 10, "{packets}");
    let listed = json(&site, "retire list --json");
    let counted: u64 = listed["prefixes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["packets"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, packets);
    for (at, _) in BOTH.into_iter().enumerate() {
        synwall(&site, &format!("retire remove {}", FORMER[at]));
        is_served(&site.proxy, former(at, 80));
        hears_nothing(&site.attacker, former(at, 80));
        assert!(pings(&site, &site.attacker, FORMER[at], SOON));
    }
}

in_both_modes!(a_former_address_is_silent_and_the_present_one_works);

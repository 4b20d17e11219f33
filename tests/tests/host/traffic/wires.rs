//! Other kinds of wires: VLAN tags, jumbo frames, and two network cards under one filter.

use std::net::IpAddr;

use etherparse::PacketBuilder;
use tests::lab::{
    Family, LARGE_PAGE, Site, Wire,
    frame::{self, Endpoint},
};

use crate::traffic::visit::{
    BOTH, SOON, dropped, filtered, hears_nothing, is_served, json, port, send_syns, synwall, up,
};

fn vlan_sub_interfaces_are_filtered_by_the_nic_below(mode: &str) {
    if !Wire::can_tag() {
        println!("skipped: this kernel is built without 802.1Q");
        return;
    }
    let site = Site::plan().vlan(42).build();
    for family in BOTH {
        is_served(&site.attacker, port(&site.origin, family, 80));
    }
    up(&site, mode, "");
    for family in BOTH {
        hears_nothing(&site.attacker, port(&site.origin, family, 80));
        is_served(&site.proxy, port(&site.origin, family, 80));
    }
}

fn tagged_syns_of_strangers_are_dropped(mode: &str) {
    let site = filtered(mode, "");
    let mut sent = 0;
    for family in BOTH {
        let syn = frame::syn(
            site.attacker.endpoint(family, 40_000),
            site.origin.endpoint(family, 443),
        );
        for tags in [
            &[0x8100][..],
            &[0x88a8, 0x8100],
            &[0x8100, 0x8100],
            &[0x88a8, 0x88a8, 0x8100, 0x8100],
        ] {
            let mut tagged = syn[..12].to_vec();
            for (tag, id) in tags.iter().zip(42_u16..) {
                tagged.extend(u16::to_be_bytes(*tag).into_iter().chain(id.to_be_bytes()));
            }
            tagged.extend(&syn[12..]);
            site.attacker.send_frame(&tagged);
            sent += 1;
            assert_eq!(dropped(&site, "untrusted-syn").0, sent, "{tags:x?} {family:?}");
        }
    }
}

fn jumbo_frames_cross_the_filter(mode: &str) {
    let site = Site::plan().mtu(9000).build();
    up(&site, mode, "");
    for family in BOTH {
        let page = site
            .proxy
            .get(&site.origin.url("https", family, LARGE_PAGE), 4 * SOON)
            .expect("a page");
        assert_eq!(page.body.len(), 4 << 20);
        // A large request, too, so that full frames go in both directions.
        let header = format!("X-Large: {}", "x".repeat(6000));
        let mut curl = site.proxy.command("curl");
        let url = site.origin.url("http", family, "/");
        let output = tests::lab::Output::of(curl.args(["-qsg", "--max-time", "20", "-H", &header, &url]));
        assert_eq!(output.ok().stdout, "origin");
        hears_nothing(&site.attacker, port(&site.origin, family, 80));
    }
}

fn syn_with(data: &[u8], from: Endpoint, to: Endpoint) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(from.mac, to.mac);
    let ip = match (from.address, to.address) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet.ipv6(from.octets(), to.octets(), 64),
        _ => panic!("two versions of IP"),
    };
    let mut frame = Vec::new();
    let segment = ip.tcp(from.port, to.port, 1, 64_240).syn();
    segment.write(&mut frame, data).expect("a frame");
    frame
}

fn a_jumbo_syn_of_a_stranger_is_dropped(mode: &str) {
    let site = Site::plan().mtu(9000).build();
    up(&site, mode, "");
    for (family, count) in BOTH.into_iter().zip(1..) {
        let (from, to) = (
            site.attacker.endpoint(family, 40_000),
            site.origin.endpoint(family, 443),
        );
        let large = syn_with(&[0; 8800], from, to);
        site.attacker.send_frame(&large);
        assert_eq!(dropped(&site, "untrusted-syn").0, count);
    }
    let source = &json(&site, "stats sources --json")["sources"][0];
    assert!(
        source["bytes"].as_u64().unwrap() > 8800,
        "all of the frame counts: {source}"
    );
}

/// The standard site with a second interface, `eth1`, on its own wire, where a visitor is.
fn with_two_nics() -> (Site, Wire, tests::lab::Host) {
    let site = Site::standard();
    let mut second = Wire::new(1500, None);
    let visitor = second.plug("visitor", "192.0.2.50/24", "2001:db8:50::50/64");
    // `ip` takes a process id as the name of a namespace.
    let origin = site.nginx().expect("a server").pid();
    second.namespace().ip(&format!(
        "link add uplink type veth peer name eth1 netns {origin}\nlink set uplink master bridge up\n"
    ));
    site.origin.namespace().ip(
        "link set eth1 up\naddr add 192.0.2.10/24 dev eth1\naddr add 2001:db8:50::10/64 dev eth1 nodad\n",
    );
    (site, second, visitor)
}

fn two_nics_share_one_list_and_count_for_themselves(mode: &str) {
    let (site, _second, visitor) = with_two_nics();
    let over_eth1 = [
        "192.0.2.10:80".parse().unwrap(),
        "[2001:db8:50::10]:80".parse().unwrap(),
    ];
    over_eth1.iter().for_each(|origin| is_served(&visitor, *origin));
    synwall(
        &site,
        &format!("up eth0 eth1 --xdp {mode} --provider qrator --trust 2001:db8:94::/48"),
    );
    send_syns(&site, Family::V4, 5);
    over_eth1
        .iter()
        .for_each(|origin| hears_nothing(&visitor, *origin));
    let stats = json(&site, "stats reasons --json");
    let dropped = |interface: &str| -> u64 {
        let rows = stats["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["interface"] == interface);
        rows.map(|row| row["packets"].as_u64().unwrap()).sum()
    };
    assert_eq!((dropped("eth0"), dropped("eth1")), (5, 2));
    let status = json(&site, "status --json");
    let rows = status["interfaces"].as_array().unwrap();
    let counted: Vec<_> = rows
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["dropped"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted, [("eth0", 5), ("eth1", 2)]);
    assert_eq!(status["packets"]["dropped"], 7);
    // One list is valid for both interfaces.
    synwall(&site, "trust add 192.0.2.50 2001:db8:50::/48");
    over_eth1.iter().for_each(|origin| is_served(&visitor, *origin));
    is_served(&site.proxy, port(&site.origin, Family::V4, 80));
    hears_nothing(&site.attacker, port(&site.origin, Family::V4, 80));
}

in_both_modes!(
    vlan_sub_interfaces_are_filtered_by_the_nic_below,
    tagged_syns_of_strangers_are_dropped,
    jumbo_frames_cross_the_filter,
    a_jumbo_syn_of_a_stranger_is_dropped,
    two_nics_share_one_list_and_count_for_themselves,
);

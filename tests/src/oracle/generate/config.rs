//! Random configurations: every setting, and lists whose prefixes contain or touch one another.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use fastrand::Rng;
use filter_common::DropLevel;
use filter_user::model::{entry::Action, settings::Policy};
use ipnet::IpNet;

use super::{address, one_in, pick};
use crate::oracle::config::{Config, Entry};

/// A random configuration.
#[must_use]
pub fn config(random: &mut Rng) -> Config {
    let udp = if random.bool() {
        ports(random)
    } else {
        BTreeSet::new()
    };
    let tcp = if !udp.is_empty() && one_in(random, 20) {
        BTreeSet::new()
    } else {
        ports(random)
    };
    let policy = if one_in(random, 6) {
        Policy::Observe
    } else {
        Policy::Enforce
    };
    Config {
        tcp,
        udp,
        drop: pick(
            random,
            &[DropLevel::New, DropLevel::Unestablished, DropLevel::All],
        ),
        policy,
        entries: entries(random),
    }
}

/// The usual ports, the lowest and highest port numbers, and some others.
fn ports(random: &mut Rng) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for usual in [80, 443] {
        if !one_in(random, 5) {
            ports.insert(usual);
        }
    }
    for _ in 0..random.usize(..3) {
        ports.insert(pick(random, &[1, 7, 8, 22, 255, 256, 8080, 8443, 32_768, 65_535]));
    }
    if ports.is_empty() {
        ports.insert(443);
    }
    ports
}

fn entries(random: &mut Rng) -> Vec<Entry> {
    // Without deny entries or retired prefixes, the filter runs another program. So some filters have none.
    let (deny, retire) = (random.bool(), random.bool());
    let expire = one_in(random, 3);
    // A filter needs at least one trusted prefix.
    let mut entries = vec![Entry {
        action: Action::Trust,
        prefix: prefix(random, &[]),
        expired: false,
    }];
    for _ in 0..random.usize(..24) {
        let action = match random.u32(..10) {
            0..3 if deny => Action::Deny,
            3..5 if retire => Action::Retire,
            _ => Action::Trust,
        };
        let entry = Entry {
            action,
            prefix: prefix(random, &entries),
            expired: expire && one_in(random, 2),
        };
        // Trust and deny entries share one list.
        let same = |other: &Entry| {
            other.prefix == entry.prefix && (other.action == Action::Retire) == (action == Action::Retire)
        };
        if !entries.iter().any(same) {
            entries.push(entry);
        }
    }
    entries
}

/// A prefix of any length, often inside an existing prefix or around it.
fn prefix(random: &mut Rng, entries: &[Entry]) -> IpNet {
    let address = match entries {
        [] => address::any(random),
        _ if one_in(random, 3) => address::any(random),
        _ => {
            let near = entries[random.usize(..entries.len())].prefix;
            address::near(random, near)
        }
    };
    // Lengths at which coverage or the tries behave differently, and any other length.
    let len = |random: &mut Rng, edges: &[u8], most: u8| match random.u32(..6) {
        0 => random.u8(..=most),
        1 => most,
        _ => pick(random, edges),
    };
    let net = if address.is_ipv4() {
        let len = len(random, &[0, 1, 8, 15, 16, 17, 22, 23, 24, 25, 28, 31, 32], 32);
        IpNet::new(address, len)
    } else {
        let edges = [
            0, 1, 3, 15, 16, 17, 23, 24, 25, 29, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128,
        ];
        IpNet::new(address, len(random, &edges, 128))
    };
    match net {
        // With everything trusted or denied, there is little to compare.
        Ok(net) if net.prefix_len() > 1 || one_in(random, 8) => net.trunc(),
        _ if address.is_ipv4() => IpNet::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST)),
        _ => IpNet::from(std::net::IpAddr::from(Ipv6Addr::LOCALHOST)),
    }
}

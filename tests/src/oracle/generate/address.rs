//! Random addresses: inside prefixes, at their edges, and just outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fastrand::Rng;
use filter_user::model::entry::Action;
use ipnet::IpNet;

use super::{one_in, pick};
use crate::oracle::{
    config::Config,
    sockets::{HOST, VISITOR, address},
};

/// A version of IP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ip {
    V4,
    V6,
}

/// Source and destination of a packet.
pub fn ends(random: &mut Rng, config: &Config, ip: Ip) -> (IpAddr, IpAddr) {
    if one_in(random, 8) {
        return (address(VISITOR[ip as usize]), address(HOST[ip as usize]));
    }
    let source = match random.u32(..10) {
        0 | 1 => address(VISITOR[ip as usize]),
        2 => any_of(random, ip),
        _ => near_list(random, config, ip, |action| action != Action::Retire),
    };
    let destination = match random.u32(..10) {
        0 => any_of(random, ip),
        1..4 => near_list(random, config, ip, |action| action == Action::Retire),
        _ => address(HOST[ip as usize]),
    };
    (source, destination)
}

/// An address near a prefix of a list, if the list has one of that IP version.
fn near_list(random: &mut Rng, config: &Config, ip: Ip, list: impl Fn(Action) -> bool) -> IpAddr {
    let of_list: Vec<IpNet> = config
        .entries
        .iter()
        .filter(|entry| list(entry.action) && entry.prefix.addr().is_ipv4() == (ip == Ip::V4))
        .map(|entry| entry.prefix)
        .collect();
    if of_list.is_empty() {
        any_of(random, ip)
    } else {
        let prefix = pick(random, &of_list);
        near(random, prefix)
    }
}

/// An address inside a prefix, at one of its edges, or next to it.
pub fn near(random: &mut Rng, prefix: IpNet) -> IpAddr {
    let hosts = match prefix {
        IpNet::V4(net) => u128::from(u32::from(net.hostmask())),
        IpNet::V6(net) => u128::from(net.hostmask()),
    };
    let first = number(prefix.network());
    let at = match random.u32(..8) {
        0 => first,
        1 => first + hosts,
        2 => first.wrapping_sub(1),
        3 => first.wrapping_add(hosts).wrapping_add(1),
        _ => first + (random.u128(..) & hosts),
    };
    match prefix {
        // The address after the last one wraps to the first one.
        IpNet::V4(_) => Ipv4Addr::from(
            at.to_le_bytes()
                .first_chunk()
                .map_or(0, |low| u32::from_le_bytes(*low)),
        )
        .into(),
        IpNet::V6(_) => Ipv6Addr::from(at).into(),
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// A random address of either version.
pub fn any(random: &mut Rng) -> IpAddr {
    let ip = pick(random, &[Ip::V4, Ip::V6]);
    any_of(random, ip)
}

fn any_of(random: &mut Rng, ip: Ip) -> IpAddr {
    if one_in(random, 6) {
        let special = match ip {
            Ip::V4 => ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.0.1"],
            Ip::V6 => ["::", "::1", "ff02::1", "fe80::1", "::ffff:198.51.100.66"],
        };
        return address(pick(random, &special));
    }
    match ip {
        Ip::V4 => Ipv4Addr::from(random.u32(..)).into(),
        // 2000::/3, where most addresses of the Internet are.
        Ip::V6 if random.bool() => Ipv6Addr::from(random.u128(..) >> 3 | 1 << 125).into(),
        Ip::V6 => Ipv6Addr::from(random.u128(..)).into(),
    }
}

//! Builds Ethernet frames for tests.

use std::net::IpAddr;

use etherparse::PacketBuilder;

/// One end of a TCP connection, with its MAC address.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    /// MAC address.
    pub mac: [u8; 6],
    /// IP address.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// A SYN with correct checksums, as the first segment of a connection.
///
/// # Panics
/// If one end has an IPv4 address and the other an IPv6 address.
#[must_use]
pub fn syn(from: Endpoint, to: Endpoint) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(from.mac, to.mac);
    let ip = match (from.address, to.address) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet.ipv6(from.octets(), to.octets(), 64),
        (from, to) => panic!("{from} and {to} are not of one version of IP"),
    };
    let segment = ip.tcp(from.port, to.port, 1, 64240).syn();
    let mut frame = Vec::with_capacity(segment.size(0));
    super::must("build a SYN", segment.write(&mut frame, &[]));
    frame
}

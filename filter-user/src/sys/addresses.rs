//! The addresses of this network namespace.

use std::net::IpAddr;

use nix::{ifaddrs::getifaddrs, sys::socket::SockaddrStorage};

use super::error::{Doing as _, Result};

/// Every address, with the name of its interface.
pub fn all() -> Result<Vec<(IpAddr, String)>> {
    let found = getifaddrs().doing(|| "cannot list the addresses of this machine".into())?;
    let addresses = found.filter_map(|found| Some((ip_of(&found.address?)?, found.interface_name)));
    Ok(addresses.collect())
}

/// The address of IPv4 or IPv6; none of a link-layer address.
fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn loopback_addresses_are_among_them() {
        let loopback = (IpAddr::from(Ipv4Addr::LOCALHOST), "lo".to_owned());
        assert!(all().unwrap().contains(&loopback));
    }
}

//! Prefixes and addresses as users write them.

use std::net::IpAddr;

use filter_user::model::prefix::{BadPrefix, parse, parse_address};
use ipnet::IpNet;

use super::{assert_fit_for_a_terminal, text};

pub(super) fn check(bytes: &[u8]) {
    let text = text(bytes);
    match (parse(text), reference(text)) {
        (Ok(prefix), Some(meant)) => {
            assert_eq!(prefix, meant);
            is_clean(prefix);
            assert_eq!(
                parse(&prefix.to_string()),
                Ok(prefix),
                "not read as it was printed"
            );
        }
        (Err(BadPrefix::HostBits { prefix, host, .. }), Some(meant)) => {
            assert_ne!(meant, meant.trunc());
            assert_eq!((prefix, host), (meant.trunc(), IpNet::from(meant.addr())));
        }
        (Err(BadPrefix::Mapped { meant: v4, .. }), Some(meant)) => {
            assert!(
                matches!(meant.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped() == Some(v4_of(v4))),
                "{meant} does not lie in {v4}"
            );
            assert_eq!(parse(&v4.to_string()), Ok(v4));
        }
        (Err(BadPrefix::Syntax(_)), None) => {}
        (read, meant) => panic!("{text:?} was read as {read:?}, and means {meant:?}"),
    }
    if let Err(error) = parse(text) {
        let message = error.to_string();
        assert_fit_for_a_terminal(&message);
        assert!(message.len() < 1000, "{} bytes of message", message.len());
    }
    match parse_address(text) {
        Ok(address) => assert_eq!(parse_address(&address.to_string()), Ok(address)),
        Err(error) => assert_fit_for_a_terminal(&error.to_string()),
    }
}

/// The meaning of the text, by the standard library's parser alone. The prefix may have host bits.
pub(super) fn reference(text: &str) -> Option<IpNet> {
    let (address, len) = match text.split_once('/') {
        None => (text, None),
        Some((address, len)) => (address, Some(len)),
    };
    let address: IpAddr = address.parse().ok()?;
    match len {
        None => Some(address.into()),
        // Neither a sign nor leading zeros.
        Some(len) => (0..=128)
            .find(|number: &u8| number.to_string() == len)
            .and_then(|len| IpNet::new(address, len).ok()),
    }
}

/// Panics if lists may not hold the prefix.
pub(super) fn is_clean(prefix: IpNet) {
    assert_eq!(prefix, prefix.trunc(), "host bits");
    let mapped = matches!(prefix.addr(), IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    assert!(!mapped || prefix.prefix_len() < 96, "{prefix} is an IPv4 prefix");
}

fn v4_of(prefix: IpNet) -> std::net::Ipv4Addr {
    match prefix {
        IpNet::V4(prefix) => prefix.addr(),
        IpNet::V6(prefix) => panic!("{prefix} is no IPv4 prefix"),
    }
}

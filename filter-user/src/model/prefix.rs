//! Prefixes as users write them.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

use crate::text::shown;

/// Text that is not a usable prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrefix {
    /// Neither an address nor a prefix.
    #[error("'{0}' is not an IP address or prefix (examples: 185.94.108.0/24, 2001:db8::/32, 192.0.2.7)")]
    Syntax(String),
    /// Bits behind the prefix length.
    #[error("'{written}' has host bits set; the prefix would be {prefix}, the single address {host}")]
    HostBits {
        /// What was written.
        written: String,
        /// The network that the address lies in.
        prefix: IpNet,
        /// The address alone.
        host: IpNet,
    },
    /// An IPv4-mapped IPv6 address, which no packet on a wire has.
    #[error("'{written}' is an IPv4-mapped address, which no packet carries; write {meant}")]
    Mapped {
        /// What was written.
        written: String,
        /// The IPv4 prefix that was probably meant.
        meant: IpNet,
    },
}

/// Reads a prefix, or an address as a host prefix. The result has no host bits.
pub fn parse(text: &str) -> Result<IpNet, BadPrefix> {
    let syntax = || BadPrefix::Syntax(shown(text));
    // Not ipnet's own parser: it reads 010.0.0.0/8 as 10.0.0.0/8, and other programs read an octal number.
    let (address, len) = match text.split_once('/') {
        None => (text, None),
        Some((address, len)) => (address, Some(length(len).ok_or_else(syntax)?)),
    };
    let address = IpAddr::from_str(address).map_err(|_| syntax())?;
    let prefix = match len {
        None => IpNet::from(address),
        Some(len) => IpNet::new(address, len).map_err(|_| syntax())?,
    };
    if prefix != prefix.trunc() {
        return Err(BadPrefix::HostBits {
            written: text.to_owned(),
            prefix: prefix.trunc(),
            host: IpNet::from(prefix.addr()),
        });
    }
    if let IpNet::V6(v6) = prefix
        && v6.prefix_len() >= 96
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Ok(meant) = ipnet::Ipv4Net::new(v4, v6.prefix_len() - 96)
    {
        return Err(BadPrefix::Mapped {
            written: text.to_owned(),
            meant: meant.into(),
        });
    }
    Ok(prefix)
}

/// Reads a prefix length: digits, without a needless zero.
fn length(text: &str) -> Option<u8> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// Reads an address.
pub fn parse_address(text: &str) -> Result<IpAddr, BadPrefix> {
    IpAddr::from_str(text)
        .map(|address| address.to_canonical())
        .map_err(|_| BadPrefix::Syntax(shown(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_address_is_a_host_prefix() {
        assert_eq!(parse("192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
        assert_eq!(parse("2001:db8::1").unwrap().to_string(), "2001:db8::1/128");
    }

    #[test]
    fn host_bits_are_refused_with_both_meanings() {
        let error = parse("185.94.108.7/24").unwrap_err().to_string();
        assert!(
            error.contains("185.94.108.0/24") && error.contains("185.94.108.7/32"),
            "{error}"
        );
    }

    #[test]
    fn mapped_addresses_are_refused_with_their_ipv4_form() {
        let error = parse("::ffff:192.0.2.0/120").unwrap_err().to_string();
        assert!(error.contains("192.0.2.0/24"), "{error}");
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "",
            "/",
            "1.2.3.4/33",
            "1.2.3/24",
            "::/129",
            "host.example",
            "1.2.3.4/",
            "01.2.3.4",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/00",
        ] {
            assert!(matches!(parse(text), Err(BadPrefix::Syntax(_))), "{text}");
        }
    }
}

//! The order in which the addresses of a web server are tried.
//!
//! ureq gives the first address half of the time or more, the next one half of the rest, and so on. The system's resolver
//! lists one IP version first. If that version does not work and the name has eight such addresses, the first working one
//! would get a five-hundredth of the time.

use std::net::SocketAddr;

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// How many addresses of each IP version are tried. The second of four gets a quarter of the time, the last a 15th.
const OF_EACH: usize = 2;

/// The system's resolver. Of the first 16 addresses (the limit of ureq), a few are tried, with the IP versions in turn.
#[derive(Debug, Default)]
pub struct InTurn(DefaultResolver);

impl Resolver for InTurn {
    fn resolve(
        &self,
        url: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.0.resolve(url, config, timeout)?;
        let mut tried = self.empty();
        for address in in_turn(&found) {
            tried.push(address);
        }
        Ok(tried)
    }
}

/// At most two addresses of each IP version, in turn. The version of the first address comes first.
fn in_turn(found: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_like_the_first =
        |address: &SocketAddr| Some(address.is_ipv6()) == found.first().map(SocketAddr::is_ipv6);
    let (first, other): (Vec<_>, Vec<_>) = found.iter().copied().partition(is_like_the_first);
    (0..OF_EACH)
        .flat_map(|nth| [first.get(nth), other.get(nth)])
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_take_turns() {
        for (found, tried) in [
            (
                &["[::1]", "[::2]", "[::3]", "1.0.0.1", "1.0.0.2", "1.0.0.3"][..],
                &["[::1]", "1.0.0.1", "[::2]", "1.0.0.2"][..],
            ),
            (&["1.0.0.1", "1.0.0.2", "[::1]"], &["1.0.0.1", "[::1]", "1.0.0.2"]),
            (&["[::1]", "1.0.0.1"], &["[::1]", "1.0.0.1"]),
            (&["[::1]", "1.0.0.1", "[::2]"], &["[::1]", "1.0.0.1", "[::2]"]),
            (&["1.0.0.1", "1.0.0.2", "1.0.0.3"], &["1.0.0.1", "1.0.0.2"]),
            (&["[::1]"], &["[::1]"]),
            (&[], &[]),
        ] {
            let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
                texts
                    .iter()
                    .map(|text| format!("{text}:443").parse().unwrap())
                    .collect()
            };
            assert_eq!(in_turn(&addresses(found)), addresses(tried), "{found:?}");
        }
    }
}

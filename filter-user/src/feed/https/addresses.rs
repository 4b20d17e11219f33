//! The addresses of a web server, in the order in which they are tried.
//!
//! ureq gives the first address half of the time, or a little more, the next one half of that, and so on. The system's
//! resolver names those of one version of IP first. Where that version is broken on the way, and a name has eight of them,
//! a five-hundredth of the time would be left for the first that works.

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

/// Addresses of either version of IP that are tried: of four, the second gets a quarter of the time, and the last a 15th.
const OF_EACH: usize = 2;

/// The system's resolver, and of the first 16 addresses that it names (more ureq does not take) a few, both versions of IP
/// in turn.
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

/// At most two addresses of each version, in turn, the version of the first one first.
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

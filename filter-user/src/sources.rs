//! Which networks drops come from: the tables of all CPUs, put together.

use std::collections::BTreeMap;

use aya::maps::{MapData, PerCpuArray};
use filter_common::{SourceNetwork, SourceSets, set_of_network};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{Result, error::Doing as _, pins::Pins};

/// A network and its drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The /24 or /48.
    pub prefix: IpNet,
    /// Packets, at the most.
    pub packets: u64,
    /// How many of `packets` may belong to others: the true number is not below `packets - error`.
    pub error: u64,
    /// Bytes, at the least.
    pub bytes: u64,
}

/// The networks that drops came from, the one with the most packets first.
pub fn read(pins: &Pins, secret: u64) -> Result<Vec<Source>> {
    let map: PerCpuArray<MapData, SourceSets> = pins.map("source_sets")?;
    let tables = map
        .get(&0, 0)
        .doing(|| "cannot read the table of sources".into())?;
    Ok(merge(tables.iter(), secret))
}

/// Adds up the tables. A CPU on which a network has no place may have had as many of its packets as the
/// smallest count in that set, so both the number and its error grow by that.
fn merge<'a>(tables: impl Iterator<Item = &'a SourceSets> + Clone, secret: u64) -> Vec<Source> {
    let mut networks: BTreeMap<u64, SourceNetwork> = BTreeMap::new();
    let entries = tables.clone().flat_map(|table| table.sets.iter().flatten());
    for entry in entries.filter(|entry| entry.network != 0) {
        networks.insert(
            entry.network,
            SourceNetwork {
                network: entry.network,
                ..Default::default()
            },
        );
    }
    for (network, sum) in &mut networks {
        for table in tables.clone() {
            let set = &table.sets[set_of_network(*network, secret)];
            match set.iter().find(|entry| entry.network == *network) {
                Some(entry) => {
                    sum.packets += entry.packets;
                    sum.bytes += entry.bytes;
                    sum.error += entry.error;
                }
                None => {
                    let fewest = set.iter().map(|entry| entry.packets).min().unwrap_or(0);
                    sum.packets += fewest;
                    sum.error += fewest;
                }
            }
        }
    }
    let mut sources: Vec<Source> = networks.values().filter_map(describe).collect();
    sources.sort_by_key(|source| (std::cmp::Reverse(source.packets), source.error, source.prefix));
    sources
}

fn describe(sum: &SourceNetwork) -> Option<Source> {
    let v4 = || Ipv4Net::new(sum.ipv4()?.into(), 24).ok().map(IpNet::from);
    let v6 = || {
        let mut octets = [0; 16];
        octets[..8].copy_from_slice(&sum.ipv6()?);
        Ipv6Net::new(octets.into(), 48).ok().map(IpNet::from)
    };
    let prefix = v4().or_else(v6)?;
    Some(Source {
        prefix,
        packets: sum.packets,
        error: sum.error,
        bytes: sum.bytes,
    })
}

#[cfg(test)]
mod tests {
    use filter_common::{NETWORKS_PER_SET, SETS, network_of_ipv4, network_of_ipv6};

    use super::*;

    fn table(entries: &[SourceNetwork]) -> SourceSets {
        let mut table = SourceSets {
            sets: [[SourceNetwork::default(); NETWORKS_PER_SET]; SETS],
        };
        for entry in entries {
            let set = &mut table.sets[set_of_network(entry.network, 5)];
            let place = set.iter().position(|place| place.network == 0).unwrap();
            set[place] = *entry;
        }
        table
    }

    #[test]
    fn networks_are_named_and_added_up_over_cpus() {
        let four = network_of_ipv4([198, 51, 100, 66]);
        let six = network_of_ipv6([0x20, 1, 0x0d, 0xb8, 0x0b, 0xad, 0xff, 0xff]);
        let entry = |network, packets, error| SourceNetwork {
            network,
            packets,
            bytes: 60 * packets,
            error,
        };
        let tables = [
            table(&[entry(four, 5, 0), entry(six, 2, 1)]),
            table(&[entry(four, 4, 3)]),
        ];
        let sources = merge(tables.iter(), 5);
        let shown: Vec<String> = sources
            .iter()
            .map(|s| format!("{} {} ±{} {}", s.prefix, s.packets, s.error, s.bytes))
            .collect();
        assert_eq!(shown, ["198.51.100.0/24 9 ±3 540", "2001:db8:bad::/48 2 ±1 120"]);
    }

    #[test]
    fn a_full_set_widens_the_error_of_a_network_that_is_not_in_it() {
        let secret = 5;
        let ours = network_of_ipv4([192, 0, 2, 1]);
        let mut full = table(&[]);
        let set = &mut full.sets[set_of_network(ours, secret)];
        for (place, packets) in set.iter_mut().zip([9, 7, 8, 11]) {
            *place = SourceNetwork {
                network: packets << 16 | 4,
                packets,
                bytes: 0,
                error: 0,
            };
        }
        let alone = table(&[SourceNetwork {
            network: ours,
            packets: 3,
            bytes: 180,
            error: 0,
        }]);
        let sources = merge([full, alone].iter(), secret);
        let found = sources
            .iter()
            .find(|s| s.prefix.to_string() == "192.0.2.0/24")
            .unwrap();
        assert_eq!((found.packets, found.error), (10, 7));
    }
}

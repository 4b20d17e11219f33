//! Which networks drops come from: the tables of all CPUs, put together.

use std::{cmp::Reverse, collections::BTreeMap, iter};

use aya::maps::{MapData, PerCpuArray};
use filter_common::{NETWORKS_PER_SET, SourceNetwork, SourceNetworks, SourceSet, SourceSets, is_ipv4};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::Result;
use crate::{
    model::lengths::Lengths,
    pins::{
        directory::Pins,
        names::{SOURCE_NETWORKS, SOURCE_SETS},
    },
    sys::error::Doing as _,
};

/// A network and its drops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The network.
    pub prefix: IpNet,
    /// Packets, at the least.
    pub packets: u64,
    /// How many there may have been beside them: the true number is not above `packets + error`.
    pub error: u64,
    /// Bytes, at the least.
    pub bytes: u64,
}

/// Where drops came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The networks that are counted apart, the one with the most packets first.
    pub networks: Vec<Source>,
    /// Packets of all other networks.
    pub others: u64,
}

/// What one CPU counted.
pub type CpuTable<'a> = (&'a SourceSets, &'a SourceNetworks);

/// The networks that drops came from.
pub fn read(pins: &Pins, lengths: Lengths) -> Result<Sources> {
    let what = || "cannot read the table of sources".to_owned();
    let sets: PerCpuArray<MapData, SourceSets> = pins.map(SOURCE_SETS)?;
    let networks: PerCpuArray<MapData, SourceNetworks> = pins.map(SOURCE_NETWORKS)?;
    let (sets, networks) = (sets.get(&0, 0).doing(what)?, networks.get(&0, 0).doing(what)?);
    let tables: Vec<CpuTable<'_>> = sets.iter().zip(networks.iter()).collect();
    Ok(merge(&tables, lengths))
}

/// Adds up the tables. On a CPU on which a network has no place it may have had as many packets as its set has lost
/// there, so its error grows by that.
pub fn merge(tables: &[CpuTable<'_>], lengths: Lengths) -> Sources {
    let mut lost: BTreeMap<usize, u64> = BTreeMap::new();
    for (number, set, _) in tables.iter().flat_map(sets) {
        let sum = lost.entry(number).or_default();
        *sum = sum.saturating_add(set.lost);
    }
    // A network stands in the set of the same number on every CPU.
    let mut sums: BTreeMap<(usize, bool, u64), SourceNetwork> = BTreeMap::new();
    for (number, set, networks) in tables.iter().flat_map(sets) {
        for (tag, network) in iter::zip(set.tags, networks).filter(|(tag, _)| *tag != 0) {
            let key = (number, is_ipv4(tag), network.network);
            let sum = sums.entry(key).or_insert_with(|| SourceNetwork {
                error: lost.get(&number).copied().unwrap_or(0),
                ..Default::default()
            });
            sum.packets = sum.packets.saturating_add(network.packets);
            sum.bytes = sum.bytes.saturating_add(network.bytes);
            // Here it is known what was lost before the network came.
            sum.error = sum.error.saturating_sub(set.lost).saturating_add(network.error);
        }
    }
    let mut networks: Vec<Source> = sums
        .iter()
        .filter_map(|((_, is_ipv4, network), sum)| {
            Some(Source {
                prefix: prefix(*is_ipv4, *network, lengths)?,
                packets: sum.packets,
                bytes: sum.bytes,
                error: sum.error,
            })
        })
        .collect();
    networks.sort_by_key(|source| (Reverse(source.packets), source.error, source.prefix));
    Sources {
        networks,
        others: lost.into_values().fold(0, u64::saturating_add),
    }
}

/// The sets of a table with their numbers, and the networks in them.
fn sets<'a>(
    (sets, networks): &CpuTable<'a>,
) -> impl Iterator<Item = (usize, &'a SourceSet, &'a [SourceNetwork])> + use<'a> {
    let networks = networks.networks.chunks_exact(NETWORKS_PER_SET);
    iter::zip(&sets.sets, networks)
        .enumerate()
        .map(|(number, (set, networks))| (number, set, networks))
}

fn prefix(is_ipv4: bool, network: u64, lengths: Lengths) -> Option<IpNet> {
    if is_ipv4 {
        let address = u32::try_from(network).ok()?;
        Some(Ipv4Net::new(address.into(), lengths.v4).ok()?.trunc().into())
    } else {
        Some(
            Ipv6Net::new((u128::from(network) << 64).into(), lengths.v6)
                .ok()?
                .trunc()
                .into(),
        )
    }
}

#[cfg(test)]
mod tests {
    use filter_common::{CountedNetwork as Key, NETWORKS, SETS};

    use super::*;

    const SECRET: u64 = 0x9e37_79b9_7f4a_7c15;

    type Table = (Box<SourceSets>, Box<SourceNetworks>);

    fn table(entries: &[(Key, u64, u64)], lost: &[(Key, u64)]) -> Table {
        let mut sets = Box::new(SourceSets {
            sets: [SourceSet::default(); SETS],
        });
        let mut networks = Box::new(SourceNetworks {
            networks: [SourceNetwork::default(); NETWORKS],
        });
        for (key, packets, error) in entries {
            let set = &mut sets.sets[key.set()];
            let place = set.tags.iter().position(|tag| *tag == 0).unwrap();
            set.tags[place] = key.tag();
            networks.networks[key.set() * NETWORKS_PER_SET + place] = SourceNetwork {
                network: key.network,
                packets: *packets,
                bytes: 60 * packets,
                error: *error,
            };
        }
        for (key, packets) in lost {
            sets.sets[key.set()].lost = *packets;
        }
        (sets, networks)
    }

    fn shown(tables: &[Table]) -> Vec<String> {
        let tables: Vec<CpuTable<'_>> = tables.iter().map(|(s, n)| (&**s, &**n)).collect();
        let sources = merge(&tables, Lengths::default());
        let rows = sources.networks.iter();
        rows.map(|s| format!("{} {} +{} {}", s.prefix, s.packets, s.error, s.bytes))
            .chain([format!("others {}", sources.others)])
            .collect()
    }

    fn v4(address: [u8; 4]) -> Key {
        Key::ipv4(u32::from_be_bytes(address), Lengths::default().mask_v4(), SECRET)
    }

    fn v6(upper: u64) -> Key {
        Key::ipv6(upper, Lengths::default().mask_v6(), SECRET)
    }

    #[test]
    fn networks_are_named_and_added_up_over_cpus() {
        let (four, six) = (v4([198, 51, 100, 66]), v6(0x2001_0db8_0bad_ffff));
        let tables = [
            table(&[(four, 5, 0), (six, 2, 0)], &[]),
            table(&[(four, 4, 0)], &[]),
        ];
        assert_eq!(
            shown(&tables),
            [
                "198.51.100.0/24 9 +0 540",
                "2001:db8:bad::/48 2 +0 120",
                "others 0"
            ]
        );
    }

    #[test]
    fn what_a_set_lost_before_a_network_came_is_its_error() {
        let ours = v4([192, 0, 2, 1]);
        // Here it came when 7 were lost, of 12 in all; there it has no place, and 3 were lost.
        let tables = [table(&[(ours, 100, 7)], &[(ours, 12)]), table(&[], &[(ours, 3)])];
        assert_eq!(shown(&tables), ["192.0.2.0/24 100 +10 6000", "others 15"]);
    }
}

//! Reads which networks drops come from, and adds up the tables of all CPUs.

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

/// A source network and how much of its traffic was dropped. With the policy `observe` it is what would have been
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The network, as long as the settings say (/24 and /48 by default).
    pub prefix: IpNet,
    /// Packets that were counted. The true number is between `packets` and `packets + error`.
    pub packets: u64,
    /// The largest number of packets that may be missing in `packets`.
    pub error: u64,
    /// Bytes that were counted, from the Ethernet header on. The true number may be higher.
    pub bytes: u64,
}

/// Where drops came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The networks that have a place in the table, the one with the most packets first.
    pub networks: Vec<Source>,
    /// Packets that were counted only for a whole set, because their network had no place or lost it.
    pub others: u64,
}

/// The table of one CPU.
pub type CpuTable<'a> = (&'a SourceSets, &'a SourceNetworks);

/// Reads the tables of all CPUs. `lengths` are the prefix lengths that the filter counts by.
pub fn read(pins: &Pins, lengths: Lengths) -> Result<Sources> {
    let what = || "cannot read the table of sources".to_owned();
    let sets: PerCpuArray<MapData, SourceSets> = pins.map(SOURCE_SETS)?;
    let networks: PerCpuArray<MapData, SourceNetworks> = pins.map(SOURCE_NETWORKS)?;
    let (sets, networks) = (sets.get(&0, 0).doing(what)?, networks.get(&0, 0).doing(what)?);
    let tables: Vec<CpuTable<'_>> = sets.iter().zip(networks.iter()).collect();
    Ok(merge(&tables, lengths))
}

/// Adds up the tables of several CPUs. If a network has no place on a CPU, its packets there are part of what its
/// set lost. So its error grows by that number.
pub fn merge(tables: &[CpuTable<'_>], lengths: Lengths) -> Sources {
    let mut lost: BTreeMap<usize, u64> = BTreeMap::new();
    for (number, set, _) in tables.iter().flat_map(sets) {
        let sum = lost.entry(number).or_default();
        *sum = sum.saturating_add(set.lost);
    }
    // A network is in the set with the same number on every CPU.
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
            // On this CPU the network has a place, and its entry says what the set had lost before.
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

/// The sets of a table, each with its number and its networks.
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
        // The first CPU had lost 7 packets when the network came, and lost 12 in all. On the second CPU the
        // network has no place, and 3 packets were lost.
        let tables = [table(&[(ours, 100, 7)], &[(ours, 12)]), table(&[], &[(ours, 3)])];
        assert_eq!(shown(&tables), ["192.0.2.0/24 100 +10 6000", "others 15"]);
    }
}

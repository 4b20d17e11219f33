//! The tables of source networks of two CPUs.

use filter_common::{NETWORKS, SETS, SourceNetwork, SourceNetworks, SourceSet, SourceSets};
use filter_user::{
    lists::sources::{CpuTable, merge},
    model::lengths::Lengths,
};

use super::Bytes;

pub(super) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let lengths = Lengths {
        v4: 8 + bytes.byte() % 25,
        v6: 16 + bytes.byte() % 49,
    };
    let mut sets = [0, 1].map(|_| {
        Box::new(SourceSets {
            sets: [SourceSet::default(); SETS],
        })
    });
    let mut networks = [0, 1].map(|_| {
        Box::new(SourceNetworks {
            networks: [SourceNetwork::default(); NETWORKS],
        })
    });
    // One set after another, until the bytes end. In most filters most sets are empty.
    while !bytes.is_empty() {
        let (cpu, set) = (usize::from(bytes.byte() % 2), usize::from(bytes.byte()) % SETS);
        sets[cpu].sets[set] = bytes.layout();
        let place = set * 8 + usize::from(bytes.byte() % 8);
        networks[cpu].networks[place] = bytes.layout();
    }
    let tables: Vec<CpuTable<'_>> = sets.iter().zip(&networks).map(|(s, n)| (&**s, &**n)).collect();
    let read = merge(&tables, lengths);
    assert!(read.networks.len() <= 2 * NETWORKS);
    assert!(read.networks.is_sorted_by(|a, b| a.packets >= b.packets));
    for source in &read.networks {
        assert_eq!(source.prefix, source.prefix.trunc(), "host bits");
    }
    let lost = sets.iter().flat_map(|cpu| &cpu.sets).map(|set| set.lost);
    assert!(lost.max().unwrap_or(0) <= read.others, "a sum fell");
}

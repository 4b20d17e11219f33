//! The table of sources under a flood. With few networks it is exact. With many, every count is within its stated
//! error, no drop is lost, and attackers stand out from the noise.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
};

use filter_common::NETWORKS;
use filter_user::{
    lists::sources::{self, Source, Sources},
    model::lengths::Lengths,
};
use ipnet::IpNet;
use nix::{
    sched::{CpuSet, sched_getcpu, sched_setaffinity},
    unistd::Pid,
};
use tests::lab::Lab;

use crate::packet_table::{
    config::{Config, STANDARD},
    filter::{Filter, Way},
    packet::{BOTH, Ip, V4, V6, syn},
};

/// The true number of drops by network.
type Truth = BTreeMap<IpNet, u64>;

struct Flood {
    filter: Filter,
    truth: Truth,
    random: u64,
}

impl Flood {
    fn new() -> Self {
        Self::counted_by(Lengths::default())
    }

    fn counted_by(sources: Lengths) -> Self {
        let config = Config { sources, ..STANDARD };
        let filter = Filter::new(Path::new("/sys/fs/bpf/synwall"), &config, Way::of_kernel());
        Self {
            filter,
            truth: Truth::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// xorshift64 (Marsaglia, 2003): the same sources in every run.
    fn random(&mut self) -> u64 {
        for shift in [13, -7, 17] {
            let shifted = if shift > 0 {
                self.random << shift
            } else {
                self.random >> -shift
            };
            self.random ^= shifted;
        }
        self.random
    }

    fn syn(&mut self, ip: Ip, source: IpAddr) {
        let frame = syn(ip).from(&source.to_string()).frame();
        let (passed, _) = self.filter.run(&frame.bytes);
        assert!(!passed, "{source} passed");
        let network = self.network(source);
        *self.truth.entry(network).or_default() += 1;
    }

    /// A SYN from a random network, outside the networks that the tests count.
    fn random_syn(&mut self) {
        let bits = self.random();
        // 11.0.0.0/8, or 2001:1000::/24 and up: 65,536 networks of IPv4 and many more of IPv6.
        if bits & 1 == 0 {
            let address = 0x0b00_0000 | ((bits >> 8) as u32 & 0x00ff_ffff);
            self.syn(V4, IpAddr::from(address.to_be_bytes()));
        } else {
            let address = (0x2001_1000 << 96) | (u128::from(bits) << 32);
            self.syn(V6, IpAddr::from(address.to_be_bytes()));
        }
    }

    fn network(&self, source: IpAddr) -> IpNet {
        let Lengths { v4, v6 } = self.filter.instance.settings().sources;
        let bits = if source.is_ipv4() { v4 } else { v6 };
        IpNet::new(source, bits).expect("a length").trunc()
    }

    fn listed(&self) -> Sources {
        let instance = &self.filter.instance;
        sources::read(instance.pins(), instance.settings().sources).expect("the sources")
    }
}

#[test]
fn few_sources_are_counted_exactly() {
    let _lab = Lab::new();
    let mut flood = Flood::new();
    for (number, ip) in (0..40_u8).flat_map(|number| BOTH.map(|ip| (number, ip))) {
        let source: IpAddr = match ip {
            V4 => [198, 18, number, 200].into(),
            V6 => ((0x2001_0db8_0000_0000_u128 + (u128::from(number) << 16)) << 64)
                .to_be_bytes()
                .into(),
        };
        for _ in 0..=number {
            flood.syn(ip, source);
        }
    }
    let Sources { networks, others } = flood.listed();
    let errors: u64 = networks.iter().map(|source| source.error).sum();
    let listed: Truth = networks
        .iter()
        .map(|source| (source.prefix, source.packets))
        .collect();
    assert_eq!((listed, errors, others), (flood.truth, 0, 0));
}

#[test]
fn sources_are_counted_by_networks_of_the_chosen_length() {
    let _lab = Lab::new();
    for (lengths, expected) in [
        ("32,64", ["198.51.100.66/32", "2001:db8:bad:1::/64"]),
        ("16,32", ["198.51.0.0/16", "2001:db8::/32"]),
        ("8,16", ["198.0.0.0/8", "2001::/16"]),
    ] {
        let mut flood = Flood::counted_by(lengths.parse().expect("lengths"));
        flood.syn(V4, "198.51.100.66".parse().expect("an address"));
        flood.syn(V6, "2001:db8:bad:1::66".parse().expect("an address"));
        let networks = flood.listed().networks;
        let prefixes: Vec<_> = networks.iter().map(|source| source.prefix.to_string()).collect();
        assert_eq!(prefixes, expected, "{lengths}");
        flood.filter.instance.remove().expect("the filter away");
    }
}

#[test]
fn a_flood_of_many_sources_is_counted_within_its_stated_error() {
    const RANDOM: u64 = 20_000;
    let _lab = Lab::new();
    let mut flood = Flood::new();
    let heavy: [(Ip, IpAddr, u64); 3] = [
        (V4, IpAddr::from([198, 51, 100, 66]), 2_000),
        (V4, IpAddr::from([192, 0, 2, 1]), 1_000),
        (
            V6,
            IpAddr::from([0x20, 1, 0x0d, 0xb8, 0x0b, 0xad, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            1_500,
        ),
    ];
    for turn in 0..RANDOM {
        flood.random_syn();
        for (ip, source, packets) in heavy {
            if turn % (RANDOM / packets) == 0 {
                flood.syn(ip, source);
            }
        }
    }
    let Sources { networks, others } = flood.listed();
    let cpus = aya::util::nr_cpus().expect("the number of CPUs");
    assert!(flood.truth.len() > 15_000, "{} networks", flood.truth.len());
    assert!(
        networks.len() <= NETWORKS * cpus,
        "{} networks listed",
        networks.len()
    );
    for Source {
        prefix,
        packets,
        error,
        bytes,
    } in &networks
    {
        let truth = flood
            .truth
            .get(prefix)
            .copied()
            .unwrap_or_else(|| panic!("{prefix} sent nothing"));
        assert!(
            (*packets..=packets + error).contains(&truth),
            "{prefix}: {truth} is not {packets}, or up to {error} more"
        );
        let len = if prefix.addr().is_ipv4() { 54 } else { 74 };
        assert_eq!(*bytes, len * packets, "the bytes of {prefix}");
    }
    let counted: u64 = networks.iter().map(|source| source.packets).sum();
    let sent: u64 = flood.truth.values().sum();
    assert_eq!(counted + others, sent, "every drop is counted once");
    let largest: Vec<_> = networks.iter().take(3).map(|source| source.prefix).collect();
    let expected: Vec<_> = [0, 2, 1].map(|at| flood.network(heavy[at].1)).to_vec();
    assert_eq!(largest, expected, "the heavy networks come first");
}

#[test]
fn the_top_attackers_stand_out_of_a_flood_from_everywhere() {
    // A thousand networks attack, and the share of the n-th is proportional to 1/n (Zipf). Random sources send ten
    // times as much, and began earlier.
    const ATTACKERS: usize = 1_000;
    const ATTACK: usize = 200_000;
    const NOISE: usize = 10;
    const BEFORE: usize = 100_000;
    const TOP: usize = 20;
    let _lab = Lab::new();
    let mut flood = Flood::new();
    let shares: Vec<f64> = (1..=ATTACKERS)
        .scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        })
        .collect();
    let all = shares.last().copied().expect("a share");
    // One CPU, so that every run counts the same packets.
    let mut cpu = CpuSet::new();
    cpu.set(sched_getcpu().expect("a CPU")).expect("its number");
    sched_setaffinity(Pid::from_raw(0), &cpu).expect("to stay on a CPU");
    for _ in 0..BEFORE {
        flood.random_syn();
    }
    for _ in 0..ATTACK {
        for _ in 0..NOISE {
            flood.random_syn();
        }
        let at = (flood.random() >> 11) as f64 / (1_u64 << 53) as f64 * all;
        let rank = shares.partition_point(|share| *share < at) as u32;
        if rank.is_multiple_of(2) {
            flood.syn(V4, IpAddr::from((0xc612_0000 + (rank << 8)).to_be_bytes()));
        } else {
            let address = (0x2001_0db8_u128 << 96) | u128::from(rank) << 80;
            flood.syn(V6, IpAddr::from(address.to_be_bytes()));
        }
    }
    let mut truth: Vec<_> = flood
        .truth
        .iter()
        .map(|(network, packets)| (*packets, *network))
        .collect();
    truth.sort_unstable_by(|a, b| b.cmp(a));
    let top: BTreeSet<IpNet> = truth.iter().take(TOP).map(|(_, network)| *network).collect();
    let networks = flood.listed().networks;
    let found = networks
        .iter()
        .take(TOP)
        .filter(|source| top.contains(&source.prefix))
        .count();
    assert!(
        found * 100 >= TOP * 95,
        "{found} of the top {TOP} were found; listed first: {:?}",
        &networks[..TOP]
    );
}

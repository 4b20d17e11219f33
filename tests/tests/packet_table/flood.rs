//! The table of sources under a flood: exact while few networks drop; under many, every count is within its
//! stated error, and the table does not grow.

use std::{collections::BTreeMap, net::IpAddr, path::Path};

use filter_common::{NETWORKS_PER_SET, SETS};
use filter_user::sources::{self, Source};
use ipnet::IpNet;
use tests::lab::Lab;

use crate::{
    config::STANDARD,
    filter::{Filter, Way, network},
    packet::{BOTH, Ip, V4, V6, syn},
};

/// Drops by network, as they really were.
type Truth = BTreeMap<IpNet, u64>;

struct Flood {
    filter: Filter,
    truth: Truth,
    random: u64,
}

impl Flood {
    fn new() -> Self {
        let filter = Filter::new(Path::new("/sys/fs/bpf/synwall"), &STANDARD, Way::Frags);
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
        *self.truth.entry(network(source)).or_default() += 1;
    }

    /// A SYN from anywhere but the networks that the tests count on.
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

    fn listed(&self) -> Vec<Source> {
        let instance = &self.filter.instance;
        let sources = sources::read(&instance.pins, instance.settings.sources).expect("the sources");
        sources.networks
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
    let listed: Truth = flood
        .listed()
        .iter()
        .map(|source| (source.prefix, source.packets))
        .collect();
    let errors: u64 = flood.listed().iter().map(|source| source.error).sum();
    assert_eq!((listed, errors), (flood.truth, 0));
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
    let listed = flood.listed();
    let cpus = aya::util::nr_cpus().expect("the number of CPUs");
    assert!(flood.truth.len() > 15_000, "{} networks", flood.truth.len());
    assert!(
        listed.len() <= NETWORKS_PER_SET * SETS * cpus,
        "{} networks listed",
        listed.len()
    );
    for Source {
        prefix,
        packets,
        error,
        bytes,
    } in &listed
    {
        let truth = flood
            .truth
            .get(prefix)
            .copied()
            .unwrap_or_else(|| panic!("{prefix} sent nothing"));
        assert!(
            (*packets..=packets + error).contains(&truth),
            "{prefix}: {truth} is not {packets} less {error}"
        );
        let len = if prefix.addr().is_ipv4() { 54 } else { 74 };
        assert!(
            *bytes <= len * truth,
            "{prefix}: {bytes} bytes of {truth} packets"
        );
    }
    let largest: Vec<_> = listed.iter().take(3).map(|source| source.prefix).collect();
    let expected: Vec<_> = [0, 2, 1].map(|at| network(heavy[at].1)).to_vec();
    assert_eq!(largest, expected, "the heavy networks come first");
}

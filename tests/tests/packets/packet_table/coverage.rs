//! Coverage changes no verdict: for any list and any source, the longest matching prefix decides, as if the program
//! asked the trie for every packet. One filter gets all lists in turn, so that leftovers of one list would show under
//! the next.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use filter_user::model::{
    entry::{Action, Label, NewEntry, Origin},
    rules::Rules,
};
use ipnet::IpNet;
use tests::{lab::Lab, random::Random};

use crate::packet_table::{
    config::FULL,
    filter::{Filter, Way},
    packet::{V4, V6, syn},
};

const LISTS: usize = 60;
const SOURCES: usize = 400;

/// Lists and sources, the same in every run.
struct Inputs(Random);

impl Inputs {
    fn next(&mut self) -> u64 {
        self.0.number()
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    /// Any address that can be a source.
    fn address(&mut self) -> IpAddr {
        if self.next() & 4 == 0 {
            Ipv4Addr::from((self.next() >> 20) as u32).into()
        } else {
            let bits = u128::from(self.next()) << 64 | u128::from(self.next());
            Ipv6Addr::from(bits >> 3 | 1 << 125).into()
        }
    }

    /// A prefix that is often inside, around or beside an existing one.
    fn prefix(&mut self, list: &[(Action, IpNet)]) -> IpNet {
        let near = if list.is_empty() || self.below(3) == 0 {
            self.address()
        } else {
            self.near_one_of(list)
        };
        let longest = if near.is_ipv4() { 32 } else { 128 };
        // The lengths at which coverage behaves differently, and any other length.
        let marked = [0, 8, 15, 16, 17, 23, 24, 25, 31, 32, 33, 48, 64, 128];
        let length = match self.below(2) {
            0 => marked[self.below(marked.len())],
            _ => 1 + self.below(longest),
        };
        IpNet::new(near, length.min(longest) as u8)
            .expect("a length")
            .trunc()
    }

    fn near_one_of(&mut self, list: &[(Action, IpNet)]) -> IpAddr {
        let (_, prefix) = list[self.below(list.len())];
        self.near(prefix)
    }

    /// The first or last address of a prefix, the address before or after it, or one inside.
    fn near(&mut self, prefix: IpNet) -> IpAddr {
        let (first, last) = (number(prefix.network()), number(prefix.broadcast()));
        let inside = match (last - first).checked_add(1) {
            Some(all) => first + (u128::from(self.next()) << 64 | u128::from(self.next())) % all,
            None => u128::from(self.next()),
        };
        let at = match self.below(6) {
            0 => first,
            1 => last,
            2 => first.saturating_sub(1),
            3 => last.saturating_add(1),
            _ => inside,
        };
        match prefix {
            IpNet::V4(_) => Ipv4Addr::from(u32::try_from(at).unwrap_or(u32::MAX)).into(),
            IpNet::V6(_) => Ipv6Addr::from(at).into(),
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn list(random: &mut Inputs) -> Vec<(Action, IpNet)> {
    let mut list: Vec<(Action, IpNet)> = Vec::new();
    for _ in 0..1 + random.below(40) {
        let prefix = random.prefix(&list);
        let action = if random.below(3) == 0 {
            Action::Deny
        } else {
            Action::Trust
        };
        if list.iter().all(|(_, other)| *other != prefix) {
            list.push((action, prefix));
        }
    }
    list
}

fn rules(list: &[(Action, IpNet)]) -> Rules {
    list.iter().fold(Rules::default(), |rules, (action, prefix)| {
        let entry = NewEntry {
            prefix: *prefix,
            label: Label::default(),
            origin: Origin::manual(),
            expires_ns: None,
            saved: false,
        };
        rules.add(*action, vec![entry], true).expect("an entry")
    })
}

/// Whether the source is trusted, by definition: the longest matching prefix is a trust entry.
fn trusted(list: &[(Action, IpNet)], source: IpAddr) -> bool {
    list.iter()
        .filter(|(_, prefix)| prefix.contains(&source))
        .max_by_key(|(_, prefix)| prefix.prefix_len())
        .is_some_and(|(action, _)| *action == Action::Trust)
}

#[test]
fn whatever_the_list_and_the_source_the_longest_prefix_decides() {
    let _lab = Lab::new();
    // This configuration has deny entries, so the program looks for them.
    let mut filter = Filter::new(Path::new("/sys/fs/bpf/synwall"), &FULL, Way::of_kernel());
    let mut random = Inputs(Random::new(1));
    let mut passed = 0;
    for number in 0..LISTS {
        let list = list(&mut random);
        if !list.iter().any(|(action, _)| *action == Action::Trust) {
            continue;
        }
        filter
            .instance
            .set_rules(rules(&list))
            .expect("the list in force");
        for _ in 0..SOURCES {
            let source = match random.below(4) {
                0 => random.address(),
                _ => random.near_one_of(&list),
            };
            let ip = if source.is_ipv4() { V4 } else { V6 };
            let frame = syn(ip).from(&source.to_string()).frame();
            let (seen, _) = filter.run(&frame.bytes);
            assert_eq!(
                seen,
                trusted(&list, source),
                "{source} under list {number}: {list:?}"
            );
            passed += usize::from(seen);
        }
    }
    // A good share of the sources was trusted, and a good share was not.
    assert!(
        (LISTS * SOURCES / 10..LISTS * SOURCES * 9 / 10).contains(&passed),
        "{passed} passed"
    );
}

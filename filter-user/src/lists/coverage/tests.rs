//! Coverage must never miss an address of the list, and may cover only a few others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use filter_common::{coarse_of_word, coarse_v4, fine_v4};
use proptest::{collection::vec, prelude::*};

use super::*;

const SECRET: u64 = 0x6a5a_a69a_0997_9679;

/// Coverage in ordinary memory, read in the same way as the program reads it.
struct Memory {
    v4: Vec<AtomicU64>,
    v6: Vec<AtomicU64>,
}

impl Memory {
    fn new() -> Self {
        Self {
            v4: zeroes(WORDS_V4),
            v6: zeroes(WORDS_V6),
        }
    }

    fn settled(prefixes: &[IpNet]) -> Self {
        let memory = Self::new();
        memory.settle(prefixes);
        memory
    }

    fn settle(&self, prefixes: &[IpNet]) {
        self.settle_with(prefixes, SECRET);
    }

    fn settle_with(&self, prefixes: &[IpNet], secret: u64) {
        Plan::new(prefixes.iter().copied(), secret)
            .settle(&self.v4, &self.v6, || Ok(()))
            .unwrap();
    }

    fn cover(&self, prefixes: &[IpNet]) {
        cover(&self.v4, &self.v6, prefixes.iter().copied(), SECRET);
    }

    fn may_match(&self, address: IpAddr) -> bool {
        self.may_match_with(address, SECRET)
    }

    fn may_match_with(&self, address: IpAddr, secret: u64) -> bool {
        match address {
            IpAddr::V4(address) => {
                let (coarse, fine) = (coarse_v4(address.into()), fine_v4(address.into()));
                self.v4[coarse.word].load(SeqCst) & coarse.mask != 0
                    && self.v4[FINE_V4 + fine.word].load(SeqCst) & fine.mask != 0
            }
            IpAddr::V6(address) => {
                let upper = (u128::from(address) >> 96) as u32;
                let word = self.v6[COARSE_V6 + coarse_v6(upper, Coarse::Fine).word].load(SeqCst);
                match coarse_of_word(upper, word) {
                    Coarse::Clear => false,
                    Coarse::Wide => true,
                    Coarse::Fine => {
                        let fine = fine_v6(upper, self.v6[MASK].load(SeqCst), secret);
                        self.v6[FINE_V6 + fine.word].load(SeqCst) & fine.mask == fine.mask
                    }
                }
            }
        }
    }

    fn words(&self) -> Vec<u64> {
        let words = self.v4.iter().chain(&self.v6);
        words.map(|word| word.load(SeqCst)).collect()
    }

    fn covers_as_much_as(&self, other: &Self) -> bool {
        let levels = |memory: &Self| {
            let mut words = memory.words();
            words[WORDS_V4 + MASK] = 0;
            words
        };
        levels(self).iter().zip(levels(other)).all(|(ours, theirs)| {
            // A `Wide` bit covers everything that a `Fine` bit covers.
            theirs & !ours == 0 || theirs & !(ours | (ours & WIDE) >> 1) == 0
        })
    }
}

/// A random prefix. About half are close together and often nested, the others are anywhere.
fn prefix() -> impl Strategy<Value = IpNet> {
    let v4 = (any::<u32>(), any::<bool>(), 0..=32_u8).prop_map(|(address, near, len)| {
        let address = if near {
            0x0a0a_0000 | address & 0x1_07ff
        } else {
            address
        };
        IpNet::from(Ipv4Net::new(address.into(), len).unwrap().trunc())
    });
    let v6 = (any::<u128>(), any::<bool>(), 0..=128_u8).prop_map(|(address, near, len)| {
        let low = u128::MAX >> 30;
        let address = if near {
            0x2001_0db8 << 96 | address & low
        } else {
            address
        };
        IpNet::from(Ipv6Net::new(address.into(), len).unwrap().trunc())
    });
    prop_oneof![v4, v6]
}

fn list() -> impl Strategy<Value = Vec<IpNet>> {
    vec(prefix(), 0..24).prop_map(|mut prefixes| {
        prefixes.sort();
        prefixes.dedup();
        prefixes
    })
}

/// The first, the last and one more address of a prefix, and the two addresses next to it.
fn around(prefix: &IpNet) -> [IpAddr; 5] {
    match prefix {
        IpNet::V4(network) => {
            let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
            [
                first,
                last,
                first + (last - first) / 3,
                first.wrapping_sub(1),
                last.wrapping_add(1),
            ]
            .map(|address| Ipv4Addr::from(address).into())
        }
        IpNet::V6(network) => {
            let (first, last) = (u128::from(network.network()), u128::from(network.broadcast()));
            [
                first,
                last,
                first + (last - first) / 3,
                first.wrapping_sub(1),
                last.wrapping_add(1),
            ]
            .map(|address| Ipv6Addr::from(address).into())
        }
    }
}

fn check(memory: &Memory, list: &[IpNet]) -> Result<(), TestCaseError> {
    for address in list.iter().flat_map(around) {
        let matches = list.iter().any(|prefix| prefix.contains(&address));
        prop_assert!(!matches || memory.may_match(address), "{address}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_prefix_contains_may_match(list in list(), other in vec(any::<u32>(), 8)) {
        let memory = Memory::settled(&list);
        check(&memory, &list)?;
        for address in other {
            let address = Ipv4Addr::from(address).into();
            let matches = list.iter().any(|prefix| prefix.contains(&address));
            prop_assert!(!matches || memory.may_match(address));
        }
    }

    #[test]
    fn lists_that_follow_one_another_are_covered_at_every_step(lists in vec(list(), 1..5)) {
        let memory = Memory::new();
        let mut in_force: &[IpNet] = &[];
        for list in &lists {
            memory.cover(list);
            check(&memory, in_force)?;
            check(&memory, list)?;
            in_force = list;
            let plan = Plan::new(list.iter().copied(), SECRET);
            let mut seen = Ok(());
            plan.settle(&memory.v4, &memory.v6, || {
                seen = check(&memory, list);
                Ok(())
            }).unwrap();
            seen?;
            prop_assert!(memory.words() == Memory::settled(list).words(), "not what a fresh one has");
        }
    }

    #[test]
    fn added_prefixes_leave_at_least_what_a_fresh_list_has(list in list(), more in list()) {
        let memory = Memory::settled(&list);
        memory.cover(&more);
        let mut both = [list, more].concat();
        both.sort();
        both.dedup();
        check(&memory, &both)?;
        let fresh = Memory::settled(&both);
        if fresh.v6[MASK].load(SeqCst) == memory.v6[MASK].load(SeqCst) {
            prop_assert!(memory.covers_as_much_as(&fresh));
        }
    }
}

#[test]
fn another_mask_is_covered_under_both_before_the_grace_period_ends() {
    let few: Vec<IpNet> = vec!["2001:db8::/32".parse().unwrap()];
    let many: Vec<IpNet> = (0..20_000_u32)
        .map(|n| v6(0x2400_0000 + n * 3, 48))
        .chain(few.clone())
        .collect();
    let memory = Memory::settled(&many);
    let before = memory.v6[MASK].load(SeqCst);
    let mut waited = 0;
    Plan::new(few.iter().copied(), SECRET)
        .settle(&memory.v4, &memory.v6, || {
            waited += 1;
            for mask in [before, memory.v6[MASK].load(SeqCst)] {
                let bit = fine_v6(0x2001_0db8, mask, SECRET);
                assert_eq!(memory.v6[FINE_V6 + bit.word].load(SeqCst) & bit.mask, bit.mask);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(waited, 1);
    assert_ne!(memory.v6[MASK].load(SeqCst), before);
}

fn v6(upper: u32, len: u8) -> IpNet {
    Ipv6Net::new((u128::from(upper) << 96).into(), len)
        .unwrap()
        .trunc()
        .into()
}

#[test]
fn one_in_fifty_at_the_most_gets_through_for_nothing() {
    // xorshift64* with a fixed seed, so that the test repeats exactly.
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let mut list: Vec<IpNet> = (0..100_000)
        .map(|_| {
            let number = random();
            let upper = 0x2000_0000 | (number >> 32) as u32 & 0x1fff_ffff;
            v6(upper, 32 + (number % 33) as u8)
        })
        .collect();
    list.sort();
    list.dedup();
    let covered: std::collections::HashSet<u32> = list
        .iter()
        .filter_map(|prefix| match prefix {
            IpNet::V6(network) => Some((u128::from(network.addr()) >> 96) as u32),
            IpNet::V4(_) => None,
        })
        .collect();
    // Weak secrets must be good enough too. The third one is close to 2^60 / 225.
    for secret in [SECRET, 0, 0x1234_5678_9abc_def1, u64::MAX] {
        let memory = Memory::new();
        memory.settle_with(&list, secret);
        let strangers = (0..200_000)
            .map(|_| 0x2000_0000 | (random() >> 32) as u32 & 0x1fff_ffff)
            .filter(|upper| !covered.contains(upper));
        let (mut all, mut through) = (0_u32, 0_u32);
        for upper in strangers {
            all += 1;
            let address = IpAddr::V6((u128::from(upper) << 96).into());
            through += u32::from(memory.may_match_with(address, secret));
        }
        assert!(through <= all / 50, "{secret:#x}: {through} of {all}");
    }
}

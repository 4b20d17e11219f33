//! Coverage with any content is repaired by the next change.

use std::sync::atomic::Ordering::Relaxed;

use filter_user::{
    lists::coverage::{Coverage, Plan, WORDS_V4, WORDS_V6},
    sys::bpf::mapped::Mapped,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Bytes;

pub(super) fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let secret = bytes.number();
    let mut prefixes: Vec<IpNet> = (0..bytes.byte() % 8).filter_map(|_| prefix(&mut bytes)).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    let (v4, v6): (Mapped<[u64; WORDS_V4]>, Mapped<[u64; WORDS_V6]>) = (empty(), empty());
    v6.words()[0].store(bytes.number(), Relaxed);
    while !bytes.is_empty() {
        let (place, word) = (bytes.number() as usize, bytes.number());
        let words = if place % 2 == 0 { v4.words() } else { v6.words() };
        words[place / 2 % words.len()].store(word, Relaxed);
    }
    let plan = Plan::new(prefixes.iter().copied(), secret);
    let damaged = Coverage::new(v4, v6);
    prefixes.iter().for_each(|prefix| damaged.add(*prefix, secret));
    damaged
        .settle(&plan, || Ok(()))
        .unwrap_or_else(|error| panic!("{error}"));
    let fresh = Coverage::new(empty(), empty());
    fresh
        .settle(&plan, || Ok(()))
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(damaged.is_same(&fresh), "it keeps what was wrong");
}

fn prefix(bytes: &mut Bytes<'_>) -> Option<IpNet> {
    let len = bytes.byte();
    let upper = bytes.number();
    let prefix: IpNet = if len.is_multiple_of(2) {
        Ipv4Net::new((upper as u32).into(), len / 2 % 33).ok()?.into()
    } else {
        Ipv6Net::new((u128::from(upper) << 64).into(), len).ok()?.into()
    };
    Some(prefix.trunc())
}

fn empty<const WORDS: usize>() -> Mapped<[u64; WORDS]> {
    Mapped::of_bytes(1, &[]).unwrap_or_else(|error| panic!("{error}"))
}

//! The tries of a generation: LPM tries, in which the program looks up addresses.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use aya::{
    Pod,
    maps::{ArrayOfMaps, IterableMap as _, LpmTrie, MapData, MapError, lpm_trie::Key},
};
use filter_common::{Decision, GENERATIONS, MAX_PREFIXES};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::Result;
use crate::{
    model::{
        entry::{Action, Entry},
        progress::Progress,
    },
    pins::{
        directory::Pins,
        names::{RETIRED_V4, RETIRED_V6, SOURCES_V4, SOURCES_V6},
    },
    sys::{
        bpf::{array_of_maps, batch},
        error::Doing as _,
        spawn::{self, Begun},
    },
};

type Trie4 = LpmTrie<MapData, [u8; 4], Decision>;
type Trie6 = LpmTrie<MapData, [u8; 16], Decision>;

/// `BPF_F_NO_PREALLOC`. The kernel allows LPM tries only with this flag.
const NO_PREALLOC: u32 = 1;

/// The names of the tries, both in the directory of a generation and as outer maps.
const NAMES: [&str; 4] = [SOURCES_V4, SOURCES_V6, RETIRED_V4, RETIRED_V6];

/// Entries inserted with one system call. More entries for each call are not faster.
const BATCH: usize = 4096;

/// How many threads insert entries. More are not faster, because in the kernel they wait for the lock of the trie.
const THREADS: usize = 2;

/// The four tries of a generation: sources and retired prefixes, for IPv4 and IPv6.
pub struct Tries {
    sources_v4: Trie4,
    sources_v6: Trie6,
    retired_v4: Trie4,
    retired_v6: Trie6,
}

impl Tries {
    /// Creates tries without entries.
    pub fn empty() -> Result<Self> {
        let what = || "cannot make the tries of a list".to_owned();
        let trie4 = || Trie4::create(MAX_PREFIXES, NO_PREALLOC).doing(what);
        let trie6 = || Trie6::create(MAX_PREFIXES, NO_PREALLOC).doing(what);
        Ok(Self {
            sources_v4: trie4()?,
            sources_v6: trie6()?,
            retired_v4: trie4()?,
            retired_v6: trie6()?,
        })
    }

    /// Opens the tries that are pinned in `directory`. They are pinned there because only CAP_SYS_ADMIN can get them
    /// out of an outer map.
    pub fn open(pins: &Pins, directory: &str) -> Result<Self> {
        let [sources_v4, sources_v6, retired_v4, retired_v6] =
            NAMES.map(|name| format!("{directory}/{name}"));
        Ok(Self {
            sources_v4: pins.map(sources_v4)?,
            sources_v6: pins.map(sources_v6)?,
            retired_v4: pins.map(retired_v4)?,
            retired_v6: pins.map(retired_v6)?,
        })
    }

    /// Pins the tries in `directory`.
    pub fn pin(&self, pins: &Pins, directory: &str) -> Result<()> {
        let path = |name| pins.join(format!("{directory}/{name}"));
        let [sources_v4, sources_v6, retired_v4, retired_v6] = NAMES.map(path);
        let what = || "cannot pin the tries of a list".to_owned();
        self.sources_v4.map().pin(sources_v4).doing(what)?;
        self.sources_v6.map().pin(sources_v6).doing(what)?;
        self.retired_v4.map().pin(retired_v4).doing(what)?;
        Ok(self.retired_v6.map().pin(retired_v6).doing(what)?)
    }

    /// Creates and pins the outer maps, which hold the tries of both generations. These tries serve as the template
    /// of an inner map.
    pub fn make_outer_maps(&self, pins: &Pins) -> Result<()> {
        let [sources_v4, sources_v6, retired_v4, retired_v6] = NAMES;
        array_of_maps::create(pins.path(), sources_v4, GENERATIONS, &self.sources_v4)?;
        array_of_maps::create(pins.path(), sources_v6, GENERATIONS, &self.sources_v6)?;
        array_of_maps::create(pins.path(), retired_v4, GENERATIONS, &self.retired_v4)?;
        Ok(array_of_maps::create(
            pins.path(),
            retired_v6,
            GENERATIONS,
            &self.retired_v6,
        )?)
    }

    /// Inserts all entries, each with its slot from `slots`. Sorted entries are fastest, because the nodes on the way
    /// to one entry are still in the cache for the next. Fails with the last error of a thread. Some entries may be
    /// in the tries.
    pub fn fill(&self, entries: &[Entry], slots: &[u32], progress: &Progress) -> Result<()> {
        let next = AtomicUsize::new(0);
        let failed = Mutex::new(None);
        let work = || {
            loop {
                let from = next.fetch_add(BATCH, Relaxed);
                let to = entries.len().min(from.saturating_add(BATCH));
                let Some((entries, slots)) = entries.get(from..to).zip(slots.get(from..to)) else {
                    return;
                };
                if entries.is_empty() {
                    return;
                }
                if let Err(error) = self.fill_batch(entries, slots) {
                    next.store(usize::MAX - BATCH * THREADS, Relaxed);
                    *failed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(error);
                    return;
                }
                progress.advance(entries.len());
            }
        };
        thread::scope(|scope| {
            for _ in 1..THREADS.min(entries.len().div_ceil(BATCH)) {
                spawn::begin(scope, work);
            }
            work();
        });
        match failed
            .into_inner()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
        {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    fn fill_batch(&self, entries: &[Entry], slots: &[u32]) -> Result<()> {
        let mut v4 = [Keys::<8>::default(), Keys::default()];
        let mut v6 = [Keys::<20>::default(), Keys::default()];
        for (entry, slot) in entries.iter().zip(slots) {
            let decision = Decision::new(entry.action.kernel(), *slot, entry.expires_ns.is_some());
            let retired = usize::from(entry.action == Action::Retire);
            let bits = entry.prefix.prefix_len();
            match entry.prefix {
                IpNet::V4(prefix) => v4[retired].push(bits, &prefix.addr().octets(), decision),
                IpNet::V6(prefix) => v6[retired].push(bits, &prefix.addr().octets(), decision),
            }
        }
        let what = || "cannot put prefixes into a trie".to_owned();
        v4[0].put(self.sources_v4.map()).doing(what)?;
        v6[0].put(self.sources_v6.map()).doing(what)?;
        v4[1].put(self.retired_v4.map()).doing(what)?;
        Ok(v6[1].put(self.retired_v6.map()).doing(what)?)
    }

    /// Inserts one entry, or replaces the one for the same prefix. A packet sees the trie either before or after the
    /// change.
    pub fn insert(&mut self, action: Action, prefix: IpNet, decision: Decision) -> Result<()> {
        let inserted = match prefix {
            IpNet::V4(prefix) => self.v4_mut(action).insert(&key_v4(prefix), decision, 0),
            IpNet::V6(prefix) => self.v6_mut(action).insert(&key_v6(prefix), decision, 0),
        };
        Ok(inserted.doing(|| format!("cannot put {prefix} into a trie"))?)
    }

    /// Removes the entry of exactly this prefix.
    pub fn remove(&mut self, action: Action, prefix: IpNet) -> Result<()> {
        let removed = match prefix {
            IpNet::V4(prefix) => self.v4_mut(action).remove(&key_v4(prefix)),
            IpNet::V6(prefix) => self.v6_mut(action).remove(&key_v6(prefix)),
        };
        Ok(removed.doing(|| format!("cannot take {prefix} out of a trie"))?)
    }

    /// Looks up the longest prefix that contains all of `prefix`. `action` says where: among sources (trust, deny) or
    /// among retired prefixes.
    pub fn longest(&self, action: Action, prefix: IpNet) -> Result<Option<Decision>> {
        let found = match prefix {
            IpNet::V4(prefix) => self.v4(action).get(&key_v4(prefix), 0),
            IpNet::V6(prefix) => self.v6(action).get(&key_v6(prefix), 0),
        };
        match found {
            Ok(decision) => Ok(Some(decision)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error).doing(|| format!("cannot look {prefix} up in a trie"))?,
        }
    }

    fn v4(&self, action: Action) -> &Trie4 {
        match action {
            Action::Trust | Action::Deny => &self.sources_v4,
            Action::Retire => &self.retired_v4,
        }
    }

    fn v6(&self, action: Action) -> &Trie6 {
        match action {
            Action::Trust | Action::Deny => &self.sources_v6,
            Action::Retire => &self.retired_v6,
        }
    }

    fn v4_mut(&mut self, action: Action) -> &mut Trie4 {
        match action {
            Action::Trust | Action::Deny => &mut self.sources_v4,
            Action::Retire => &mut self.retired_v4,
        }
    }

    fn v6_mut(&mut self, action: Action) -> &mut Trie6 {
        match action {
            Action::Trust | Action::Deny => &mut self.sources_v6,
            Action::Retire => &mut self.retired_v6,
        }
    }

    /// Puts the tries into the outer maps, as `generation`. The kernel waits for an RCU grace period after each of
    /// them (`maybe_wait_bpf_programs` in `kernel/bpf/syscall.c`). Each has a thread of its own, so that they wait
    /// for the same grace period.
    pub fn set(&self, pins: &Pins, generation: u32) -> Result<()> {
        thread::scope(|scope| {
            [
                spawn::begin(scope, || set(pins, SOURCES_V4, generation, &self.sources_v4)),
                spawn::begin(scope, || set(pins, SOURCES_V6, generation, &self.sources_v6)),
                spawn::begin(scope, || set(pins, RETIRED_V4, generation, &self.retired_v4)),
                spawn::begin(scope, || set(pins, RETIRED_V6, generation, &self.retired_v6)),
            ]
            .into_iter()
            .try_for_each(Begun::join)
        })
    }

    /// Waits for an RCU grace period, that is, until every running program has ended. The kernel waits when an inner
    /// map is set, even if it is set to the same map. So `self` must be the tries of `generation`.
    pub fn grace(&self, pins: &Pins, generation: u32) -> Result<()> {
        set(pins, SOURCES_V4, generation, &self.sources_v4)
    }
}

fn key_v4(prefix: Ipv4Net) -> Key<[u8; 4]> {
    Key::new(prefix.prefix_len().into(), prefix.addr().octets())
}

fn key_v6(prefix: Ipv6Net) -> Key<[u8; 16]> {
    Key::new(prefix.prefix_len().into(), prefix.addr().octets())
}

fn set<K: Pod>(
    pins: &Pins,
    outer: &str,
    generation: u32,
    trie: &LpmTrie<MapData, K, Decision>,
) -> Result<()> {
    let mut maps: ArrayOfMaps<MapData, LpmTrie<MapData, K, Decision>> = pins.map(outer)?;
    Ok(maps
        .set(generation, trie, 0)
        .doing(|| format!("cannot set generation {generation} of {outer}"))?)
}

/// Keys and values for a batch of trie entries. The kernel expects the prefix length as 32 bits, then the address.
struct Keys<const KEY: usize> {
    keys: Vec<[u8; KEY]>,
    values: Vec<[u8; 4]>,
}

impl<const KEY: usize> Default for Keys<KEY> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<const KEY: usize> Keys<KEY> {
    fn push(&mut self, bits: u8, address: &[u8], decision: Decision) {
        let mut key = [0; KEY];
        key[..4].copy_from_slice(&u32::from(bits).to_ne_bytes());
        key[4..].copy_from_slice(address);
        self.keys.push(key);
        self.values.push(decision.0.to_ne_bytes());
    }

    fn put(&self, map: &MapData) -> std::io::Result<()> {
        batch::update(map, &self.keys, &self.values)
    }
}

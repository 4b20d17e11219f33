//! The tries of a generation: what the program reads.

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

/// `BPF_F_NO_PREALLOC`: the kernel has no other kind of trie.
const NO_PREALLOC: u32 = 1;

/// Their names, as pins of a generation and of the outer maps.
const NAMES: [&str; 4] = [SOURCES_V4, SOURCES_V6, RETIRED_V4, RETIRED_V6];

/// Entries that go into tries with one system call. More make it no faster.
const BATCH: usize = 4096;

/// How many threads insert. They wait for one another in the kernel, as each trie has a lock; so more are no faster.
const THREADS: usize = 2;

/// The four tries of a generation.
pub struct Tries {
    sources_v4: Trie4,
    sources_v6: Trie6,
    retired_v4: Trie4,
    retired_v6: Trie6,
}

impl Tries {
    /// New ones, without entries.
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

    /// Those that are pinned in `directory`. From an outer map one cannot have them without CAP_SYS_ADMIN.
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

    /// Pins them in `directory`.
    pub fn pin(&self, pins: &Pins, directory: &str) -> Result<()> {
        let path = |name| pins.join(format!("{directory}/{name}"));
        let [sources_v4, sources_v6, retired_v4, retired_v6] = NAMES.map(path);
        let what = || "cannot pin the tries of a list".to_owned();
        self.sources_v4.map().pin(sources_v4).doing(what)?;
        self.sources_v6.map().pin(sources_v6).doing(what)?;
        self.retired_v4.map().pin(retired_v4).doing(what)?;
        Ok(self.retired_v6.map().pin(retired_v6).doing(what)?)
    }

    /// Makes the outer maps, in which both generations have their tries.
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

    /// Puts all entries in, each with its slot from `slots`. Entries in their order go in fastest: what one walks
    /// through is in the cache for the next.
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

    /// Puts one entry in, or another in its place, between two packets.
    pub fn insert(&mut self, action: Action, prefix: IpNet, decision: Decision) -> Result<()> {
        let inserted = match prefix {
            IpNet::V4(prefix) => self.v4_mut(action).insert(&key_v4(prefix), decision, 0),
            IpNet::V6(prefix) => self.v6_mut(action).insert(&key_v6(prefix), decision, 0),
        };
        Ok(inserted.doing(|| format!("cannot put {prefix} into a trie"))?)
    }

    /// Takes one entry out.
    pub fn remove(&mut self, action: Action, prefix: IpNet) -> Result<()> {
        let removed = match prefix {
            IpNet::V4(prefix) => self.v4_mut(action).remove(&key_v4(prefix)),
            IpNet::V6(prefix) => self.v6_mut(action).remove(&key_v6(prefix)),
        };
        Ok(removed.doing(|| format!("cannot take {prefix} out of a trie"))?)
    }

    /// What is decided about the longest prefix that contains all of `prefix`, among sources or retired ones.
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

    /// Puts the tries where the program finds those of `generation`. The kernel waits for an RCU grace period
    /// after each (`maybe_wait_bpf_programs` of `kernel/bpf/syscall.c`), so they wait for it together.
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

    /// Waits until every program has ended that runs now. The kernel does so when an inner map is set, also if it is
    /// the one that is there: these are to be the tries of `generation`.
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

/// Keys and values of a trie as the kernel reads them: the length in bits, then the address.
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

//! Generations: all lists, as the tries that the program reads and the table that users see.
//!
//! The next generation is built beside the one in force, and one write to the map `generation` puts it
//! in force: whatever is killed when, a packet sees the old lists or the new ones.

use std::thread;

use aya::{
    Pod,
    maps::{Array, ArrayOfMaps, HashMap, LpmTrie, MapData, lpm_trie::Key},
};
use filter_common::{Decision, Expiry, GENERATIONS, MAX_EXPIRIES, MAX_PREFIXES};
use ipnet::IpNet;

use crate::{
    Error, Result,
    entry::{Action, Entry},
    error::Doing as _,
    map_in_map,
    pins::Pins,
    rules::Rules,
    table::{self, Table},
};

type Trie4 = LpmTrie<MapData, [u8; 4], Decision>;
type Trie6 = LpmTrie<MapData, [u8; 16], Decision>;

type Expiries = HashMap<MapData, u32, Expiry>;

/// `BPF_F_NO_PREALLOC`: the kernel has no other kind of trie.
const NO_PREALLOC: u32 = 1;

/// The four tries of a generation.
struct Tries {
    sources_v4: Trie4,
    sources_v6: Trie6,
    retired_v4: Trie4,
    retired_v6: Trie6,
}

impl Tries {
    fn empty() -> Result<Self> {
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

    fn insert(&mut self, entry: &Entry, slot: u32) -> Result<()> {
        let decision = Decision::new(entry.action.kernel(), slot, entry.expires_ns.is_some());
        let bits = u32::from(entry.prefix.prefix_len());
        let retired = entry.action == Action::Retire;
        let inserted = match entry.prefix {
            IpNet::V4(prefix) => {
                let trie = if retired {
                    &mut self.retired_v4
                } else {
                    &mut self.sources_v4
                };
                trie.insert(&Key::new(bits, prefix.addr().octets()), decision, 0)
            }
            IpNet::V6(prefix) => {
                let trie = if retired {
                    &mut self.retired_v6
                } else {
                    &mut self.sources_v6
                };
                trie.insert(&Key::new(bits, prefix.addr().octets()), decision, 0)
            }
        };
        inserted.doing(|| format!("cannot put {} into a trie", entry.prefix))
    }

    /// Puts the tries where the program finds those of `generation`. The kernel waits for an RCU grace period
    /// after each (`maybe_wait_bpf_programs` of `kernel/bpf/syscall.c`), so they wait for it together.
    fn set(&self, pins: &Pins, generation: u32) -> Result<()> {
        thread::scope(|scope| {
            [
                scope.spawn(|| set(pins, "sources_v4", generation, &self.sources_v4)),
                scope.spawn(|| set(pins, "sources_v6", generation, &self.sources_v6)),
                scope.spawn(|| set(pins, "retired_v4", generation, &self.retired_v4)),
                scope.spawn(|| set(pins, "retired_v6", generation, &self.retired_v6)),
            ]
            .into_iter()
            .try_for_each(|setting| {
                setting
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
    }
}

fn set<K: Pod>(
    pins: &Pins,
    outer: &str,
    generation: u32,
    trie: &LpmTrie<MapData, K, Decision>,
) -> Result<()> {
    let mut maps: ArrayOfMaps<MapData, LpmTrie<MapData, K, Decision>> = pins.map(outer)?;
    maps.set(generation, trie, 0)
        .doing(|| format!("cannot set generation {generation} of {outer}"))
}

/// The lists in force.
pub fn read(pins: &Pins) -> Result<Rules> {
    let number = in_force(pins)?;
    table::read(pins, &format!("generation{number}"))
}

/// Puts `rules`, whose entries all have a slot, in force.
pub fn install(pins: &Pins, rules: &Rules) -> Result<()> {
    let before = in_force(pins)?;
    let next = (before + 1) % GENERATIONS;

    let (mut tries, nothing) = (Tries::empty()?, Tries::empty()?);
    let mut table = Table::new(rules)?;
    let mut expiries: Expiries = pins.map("expiries")?;
    forget(&mut expiries, next)?;
    for entry in rules.iter() {
        let Some(slot) = entry.slot else {
            continue;
        };
        if let Some(deadline_ns) = entry.expires_ns {
            let prefix_len = u32::from(entry.prefix.prefix_len());
            let expiry = Expiry {
                deadline_ns,
                prefix_len,
                reserved: 0,
            };
            expiries
                .insert(Expiry::key(slot, next), expiry, 0)
                .doing(|| format!("cannot remember when {} expires", entry.prefix))?;
        }
        tries.insert(entry, slot)?;
        table.push(entry, slot)?;
    }
    let directory = format!("generation{next}");
    pins.fresh_directory(&directory)?;
    table.pin(pins, &directory)?;
    tries.set(pins, next)?;

    put_in_force(pins, next)?;

    // The list is in force, and the command has done what it should. What is left is to give back the memory of
    // the one before; where that fails, the next change does it.
    let _ = take_down(pins, before, &tries, &nothing, &mut expiries);
    Ok(())
}

/// Gives back what a generation takes that is no longer in force.
fn take_down(
    pins: &Pins,
    generation: u32,
    in_force: &Tries,
    nothing: &Tries,
    expiries: &mut Expiries,
) -> Result<()> {
    // A program may have read the old number and not looked anything up yet. The kernel waits for all programs
    // that run when an inner map is set, also if it is the one that is there.
    set(
        pins,
        "sources_v4",
        (generation + 1) % GENERATIONS,
        &in_force.sources_v4,
    )?;
    nothing.set(pins, generation)?;
    forget(expiries, generation)?;
    pins.remove_directory(&format!("generation{generation}"))
}

/// Removes the expiries of a generation that is not in force.
fn forget(expiries: &mut Expiries, generation: u32) -> Result<()> {
    let what = || "cannot forget when prefixes expired".to_owned();
    let keys: Vec<u32> = expiries.keys().collect::<Result<_, _>>().doing(what)?;
    keys.into_iter()
        .filter(|key| Expiry::generation(*key) == generation)
        .try_for_each(|key| expiries.remove(&key).doing(what))
}

/// Fails if there are more prefixes than the maps take, before anything is made.
pub fn check_limits(rules: &Rules) -> Result<()> {
    let check = |wanted: usize, limit: u32, what| {
        let limit = limit as usize;
        if wanted > limit {
            Err(Error::Full { wanted, limit, what })
        } else {
            Ok(())
        }
    };
    let (trust, deny, retire) = (
        rules.count(Action::Trust),
        rules.count(Action::Deny),
        rules.count(Action::Retire),
    );
    check(trust.0 + deny.0, MAX_PREFIXES, "IPv4 prefixes")?;
    check(trust.1 + deny.1, MAX_PREFIXES, "IPv6 prefixes")?;
    check(retire.0, MAX_PREFIXES, "retired IPv4 prefixes")?;
    check(retire.1, MAX_PREFIXES, "retired IPv6 prefixes")?;
    let expiring = rules.iter().filter(|entry| entry.expires_ns.is_some()).count();
    check(expiring, MAX_EXPIRIES, "temporary prefixes")
}

fn in_force(pins: &Pins) -> Result<u32> {
    let generation: Array<MapData, u32> = pins.map("generation")?;
    let number = generation
        .get(&0, 0)
        .doing(|| "cannot read which generation is in force".into())?;
    Ok(number % GENERATIONS)
}

fn put_in_force(pins: &Pins, number: u32) -> Result<()> {
    let mut generation: Array<MapData, u32> = pins.map("generation")?;
    generation
        .set(0, number, 0)
        .doing(|| format!("cannot put generation {number} in force"))
}

/// Makes the maps that hold the tries of both generations.
pub fn make_maps(pins: &Pins) -> Result<()> {
    let Tries {
        sources_v4,
        sources_v6,
        retired_v4,
        retired_v6,
    } = Tries::empty()?;
    map_in_map::create(pins, "sources_v4", GENERATIONS, &sources_v4)?;
    map_in_map::create(pins, "sources_v6", GENERATIONS, &sources_v6)?;
    map_in_map::create(pins, "retired_v4", GENERATIONS, &retired_v4)?;
    map_in_map::create(pins, "retired_v6", GENERATIONS, &retired_v6)
}

/// The first generation: no entries at all.
pub fn install_first(pins: &Pins) -> Result<()> {
    let table = Table::new(&Rules::default())?;
    pins.fresh_directory("generation0")?;
    table.pin(pins, "generation0")?;
    Tries::empty()?.set(pins, 0)
}

//! The lists: which configured prefix decides about an address.
//!
//! The tries of a generation are inner maps. User space builds the next generation beside the one in force, and switches
//! with one write to `GENERATION`. A packet sees either the old list or the new one.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, ArrayOfMaps, HashMap, LpmTrie, MapDef, lpm_trie::Key},
    helpers::generated::bpf_ktime_get_ns,
    macros::btf_map,
};
use filter_common::{
    Action, CountedNetwork, Decision, Expiry, GENERATIONS, MAX_EXPIRIES, MAX_NESTED_EXPIRED, MAX_PREFIXES,
};

use crate::{
    coverage,
    network::{Ipv4, Ipv6},
    settings,
};

type Trie4 = LpmTrie<[u8; 4], Decision, { MAX_PREFIXES as usize }>;
type Trie6 = LpmTrie<[u8; 16], Decision, { MAX_PREFIXES as usize }>;
type Generations<T> = ArrayOfMaps<T, { GENERATIONS as usize }>;

/// The number of the generation in force.
#[btf_map]
static GENERATION: Array<u32, 1> = Array::new();
#[btf_map]
static SOURCES_V4: Generations<Trie4> = Generations::new();
#[btf_map]
static SOURCES_V6: Generations<Trie6> = Generations::new();
#[btf_map]
static RETIRED_V4: Generations<Trie4> = Generations::new();
#[btf_map]
static RETIRED_V6: Generations<Trie6> = Generations::new();
/// The deadlines of temporary prefixes, by [`Expiry::key`].
#[btf_map]
static EXPIRIES: HashMap<
    u32,
    Expiry,
    { (MAX_EXPIRIES * GENERATIONS) as usize },
    { BPF_F_NO_PREALLOC as usize },
> = HashMap::new();

/// An IP address of either version.
pub trait Address: Copy {
    /// Its length in bits.
    const BITS: u32;
    /// The network that its drops are counted on.
    fn counted_network(self) -> CountedNetwork;
    /// Whether a source prefix may match. If not, none does.
    fn may_match(self) -> bool;
    /// The number of the [`Decision`] on the longest source prefix that matches; 0 if none does.
    fn decide_source(self) -> u32;
    /// The number of the [`Decision`] on the longest retired prefix that matches; 0 if none does.
    fn decide_retired(self) -> u32;
    /// The four bytes of an IPv4 address, or the sixteen of an IPv6 one, as they lie in the frame.
    fn words(self) -> [u32; 4];
}

/// What happens to a packet from `address`, and the slot of the prefix that says so.
#[inline(always)]
pub fn decide_on_source<A: Address>(address: A) -> Option<(Action, u32)> {
    // Read coverage before the generation. Bits are set before a prefix is in force, and cleared after it no longer is.
    if !address.may_match() {
        return None;
    }
    let decision = Decision(address.decide_source());
    Some((decision.action()?, decision.slot()))
}

/// Whether `address` is retired, and the slot of the prefix that says so.
#[inline(always)]
pub fn decide_on_destination<A: Address>(address: A) -> Option<(Action, u32)> {
    let decision = Decision(address.decide_retired());
    Some((decision.action()?, decision.slot()))
}

// The trie lookups are functions of their own: the verifier follows them once, and the path of a packet that no list
// decides about stays short. They return the number of a decision, or 0 if there is none.

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn decide_source_v4(address: u32) -> u32 {
    decide(&SOURCES_V4, 32, |bits| Key::new(bits, address.to_ne_bytes()))
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn decide_source_v6(upper: u64, lower: u64) -> u32 {
    decide(&SOURCES_V6, 128, |bits| {
        Key::new(bits, Ipv6([upper, lower]).bytes())
    })
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn decide_retired_v4(address: u32) -> u32 {
    decide(&RETIRED_V4, 32, |bits| Key::new(bits, address.to_ne_bytes()))
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn decide_retired_v6(upper: u64, lower: u64) -> u32 {
    decide(&RETIRED_V6, 128, |bits| {
        Key::new(bits, Ipv6([upper, lower]).bytes())
    })
}

/// The decision on the longest matching prefix that has not expired.
#[inline(always)]
fn decide<T, K>(maps: &'static Generations<T>, longest: u32, key: impl Fn(u32) -> Key<K>) -> u32
where
    T: MapDef<Key = Key<K>, Value = Decision>,
{
    const NONE: u32 = 0;

    let Some(&generation) = GENERATION.get(0) else {
        return NONE;
    };
    let mut bits = longest;
    for _ in 0..MAX_NESTED_EXPIRED + 1 {
        let Some(decision) = lookup(maps, generation, &key(bits)) else {
            return NONE;
        };
        match expired(generation, decision) {
            None => return decision.0,
            Some(0) => return NONE,
            // The next wider prefix is the longest one that is shorter.
            Some(prefix_len) => bits = prefix_len - 1,
        }
    }
    NONE
}

/// The length of the prefix, if it has expired. It is 0 if there is no entry to tell it.
#[inline(always)]
fn expired(generation: u32, decision: Decision) -> Option<u32> {
    if !decision.expires() {
        return None;
    }
    let key = Expiry::key(decision.slot(), generation);
    // Without an entry, the length of the prefix is unknown: then this prefix and all wider ones are skipped.
    // SAFETY: the kernel gave the reference for this run. A changed entry is a new element, so this one stays as it is.
    let expiry = unsafe { EXPIRIES.get(key) }.copied().unwrap_or_default();
    // SAFETY: the helper has no preconditions.
    (unsafe { bpf_ktime_get_ns() } >= expiry.deadline_ns).then_some(expiry.prefix_len)
}

#[inline(always)]
fn lookup<T, K>(maps: &'static Generations<T>, generation: u32, key: &Key<K>) -> Option<Decision>
where
    T: MapDef<Key = Key<K>, Value = Decision>,
{
    let value = maps.get_value_ptr_mut(generation, key)?;
    // SAFETY: the kernel gave the pointer for this run. A value is one word, and is replaced as a whole.
    Some(unsafe { *value })
}

impl Address for Ipv4 {
    const BITS: u32 = 32;

    #[inline(always)]
    fn counted_network(self) -> CountedNetwork {
        CountedNetwork::ipv4(
            u32::from_be(self.0),
            settings::source_mask_v4(),
            settings::secret(),
        )
    }

    #[inline(always)]
    fn may_match(self) -> bool {
        coverage::may_match_v4(u32::from_be(self.0))
    }

    #[inline(always)]
    fn decide_source(self) -> u32 {
        decide_source_v4(self.0)
    }

    #[inline(always)]
    fn decide_retired(self) -> u32 {
        decide_retired_v4(self.0)
    }

    #[inline(always)]
    fn words(self) -> [u32; 4] {
        [self.0, 0, 0, 0]
    }
}

impl Address for Ipv6 {
    const BITS: u32 = 128;

    #[inline(always)]
    fn counted_network(self) -> CountedNetwork {
        CountedNetwork::ipv6(
            u64::from_be(self.0[0]),
            settings::source_mask_v6(),
            settings::secret(),
        )
    }

    #[inline(always)]
    fn may_match(self) -> bool {
        coverage::may_match_v6((u64::from_be(self.0[0]) >> 32) as u32)
    }

    #[inline(always)]
    fn decide_source(self) -> u32 {
        decide_source_v6(self.0[0], self.0[1])
    }

    #[inline(always)]
    fn decide_retired(self) -> u32 {
        decide_retired_v6(self.0[0], self.0[1])
    }

    #[inline(always)]
    fn words(self) -> [u32; 4] {
        let [upper, lower] = self.0.map(u64::to_ne_bytes);
        let word = |b: [u8; 8], at: usize| u32::from_ne_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        [word(upper, 0), word(upper, 4), word(lower, 0), word(lower, 4)]
    }
}

impl Ipv6 {
    #[inline(always)]
    fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (upper, lower) = bytes.split_at_mut(8);
        upper.copy_from_slice(&self.0[0].to_ne_bytes());
        lower.copy_from_slice(&self.0[1].to_ne_bytes());
        bytes
    }
}

//! Drops by source network, in a table of a fixed size on each CPU. [`filter_common::SourceSet`] says how it works.

use aya_ebpf::{btf_maps::PerCpuArray, macros::btf_map};
use filter_common::{
    CountedNetwork, NETWORKS_PER_SET, SCORE_DECAY, SCORE_MAX, SourceNetwork, SourceNetworks, SourceSet,
    SourceSets, TURNS,
};

use crate::frame::Frame;

#[btf_map]
static SOURCE_SETS: PerCpuArray<SourceSets, 1> = PerCpuArray::new();
#[btf_map]
static SOURCE_NETWORKS: PerCpuArray<SourceNetworks, 1> = PerCpuArray::new();

/// Counts a dropped packet on the network that it came from.
#[inline(always)]
pub fn count<const SCATTERED: bool>(frame: &Frame<SCATTERED>, from: CountedNetwork) {
    let Some(sets) = SOURCE_SETS.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: the value belongs to this CPU, where no other run of an XDP program interrupts this one. User space only
    // reads it. `CountedNetwork::set` is below the number of sets.
    let set = unsafe { &mut (*sets).sets[from.set()] };
    let tag = from.tag();
    for place in 0..NETWORKS_PER_SET {
        if set.tags[place] == tag {
            return add(frame, from, set, place);
        }
    }
    // Places are filled in order, and none becomes empty again.
    if set.tags[NETWORKS_PER_SET - 1] == 0 {
        for place in 0..NETWORKS_PER_SET {
            if set.tags[place] == 0 {
                return take(frame, from, set, place);
            }
        }
    }
    turn_away(frame, from, set);
}

/// Counts a packet of a network that has a place.
#[inline(always)]
fn add<const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    from: CountedNetwork,
    set: &mut SourceSet,
    place: usize,
) {
    let Some(record) = record(from, place) else {
        return;
    };
    // Another network has the same tag: once in a billion.
    if record.network != from.network {
        set.lost += 1;
        return;
    }
    record.packets += 1;
    record.bytes += frame.len;
    if set.scores[place] < SCORE_MAX {
        set.scores[place] += 1;
    }
}

/// Counts a packet of a network without a place. After every [`TURNS`] of them, the set's hand moves to the next place
/// and takes off a part of its score. If no score is left, the network gets that place.
#[inline(always)]
fn turn_away<const SCATTERED: bool>(frame: &Frame<SCATTERED>, from: CountedNetwork, set: &mut SourceSet) {
    set.lost += 1;
    if !set.lost.is_multiple_of(TURNS) {
        return;
    }
    let hand = (set.lost / TURNS) as usize % NETWORKS_PER_SET;
    let score = set.scores[hand];
    let left = score - score.div_ceil(1 << SCORE_DECAY);
    set.scores[hand] = left;
    if left == 0 {
        // This packet is counted on the new place.
        set.lost -= 1;
        take(frame, from, set, hand);
    }
}

/// Gives a place to a network, and counts its first packet.
#[inline(always)]
fn take<const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    from: CountedNetwork,
    set: &mut SourceSet,
    place: usize,
) {
    let Some(record) = record(from, place) else {
        return;
    };
    set.lost += record.packets;
    set.tags[place] = from.tag();
    set.scores[place] = 1;
    *record = SourceNetwork {
        network: from.network,
        packets: 1,
        bytes: frame.len,
        error: set.lost,
    };
}

#[inline(always)]
fn record(from: CountedNetwork, place: usize) -> Option<&'static mut SourceNetwork> {
    let networks = SOURCE_NETWORKS.get_ptr_mut(0)?;
    // SAFETY: the value belongs to this CPU, where no other run of an XDP program interrupts this one. User space only
    // reads it. The index is below the number of places.
    Some(unsafe { &mut (*networks).networks[from.set() * NETWORKS_PER_SET + place] })
}

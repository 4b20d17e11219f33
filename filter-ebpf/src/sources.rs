//! Drops by source network: a bounded table on each CPU, see [`SourceNetwork`].

use aya_ebpf::{btf_maps::PerCpuArray, macros::btf_map};
use filter_common::{NETWORKS_PER_SET, SourceNetwork, SourceSets, set_of_network};

use crate::{frame::Frame, settings};

#[btf_map]
static SOURCE_SETS: PerCpuArray<SourceSets, 1> = PerCpuArray::new();

/// Counts a dropped packet on the network that it came from.
#[inline(always)]
pub fn dropped<const SCATTERED: bool>(frame: &Frame<SCATTERED>, network: u64) {
    let Some(table) = SOURCE_SETS.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: the value belongs to this CPU, on which no other run of an XDP program comes in between;
    // user space only reads it. `set_of_network` is below the number of sets.
    let set = unsafe { &mut (*table).sets[set_of_network(network, settings::sources_secret())] };

    let mut fewest = 0;
    for place in 0..NETWORKS_PER_SET {
        if set[place].network == network {
            set[place].packets += 1;
            set[place].bytes += frame.len;
            return;
        }
        if set[place].packets < set[fewest].packets {
            fewest = place;
        }
    }
    let taken_over = set[fewest & (NETWORKS_PER_SET - 1)].packets;
    set[fewest & (NETWORKS_PER_SET - 1)] = SourceNetwork {
        network,
        packets: taken_over + 1,
        bytes: frame.len,
        error: taken_over,
    };
}

//! How many entries the lists of a generation have, and where a new one goes: known without reading them.

use super::record::Record;
use crate::model::entry::Action;

/// How many entries there are, and where a new one goes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries by list and IP version, those that have expired included.
    counts: [[u32; 2]; 3],
    /// Entries that expire.
    pub expiring: u32,
    /// The first free slot, and one more.
    free: u32,
    /// Labels in use.
    pub labels: u32,
    /// Origins in use.
    pub origins: u32,
    /// Entries by list that the agent did not put there, those that have expired included.
    runtime_only: [u32; 3],
    reserved: [u32; 3],
}

const _: () = assert!(size_of::<Summary>() == 64);

// SAFETY: `#[repr(C)]`, made of integers and arrays of them, without padding (see the size above).
unsafe impl aya::Pod for Summary {}

impl Summary {
    /// How many entries of one list are IPv4 and IPv6.
    pub fn count(&self, action: Action) -> (usize, usize) {
        let [v4, v6] = self.counts[action as usize];
        (v4 as usize, v6 as usize)
    }

    /// How many entries of one list are gone after a reboot, since the agent did not put them there.
    pub fn runtime_only(&self, action: Action) -> usize {
        self.runtime_only[action as usize] as usize
    }

    /// How many entries there are in all lists.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().map(|count| *count as usize).sum()
    }

    /// Counts an entry in, or out again.
    pub fn count_record(&mut self, record: &Record, is_there: bool) {
        let (Some(action), Some(prefix)) = (record.action(), record.prefix()) else {
            return;
        };
        let version = usize::from(prefix.addr().is_ipv6());
        let add = |count: &mut u32| {
            *count = if is_there {
                count.saturating_add(1)
            } else {
                count.saturating_sub(1)
            };
        };
        add(&mut self.counts[action as usize][version]);
        if !record.is_saved() {
            add(&mut self.runtime_only[action as usize]);
        }
        if record.expires_ns != 0 {
            add(&mut self.expiring);
        }
    }

    /// The first free slot.
    pub fn free(&self) -> Option<u32> {
        self.free.checked_sub(1)
    }

    /// Notes the first free slot.
    pub fn set_free(&mut self, slot: Option<u32>) {
        self.free = slot.map_or(0, |slot| slot + 1);
    }
}

//! How many entries a generation has. It is stored in the header, so that it is known without reading the table.

use bytemuck::{Pod, Zeroable};

use super::record::Record;
use crate::model::entry::Action;

/// How many entries the lists have, and the first free slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Summary {
    /// Entries by list and IP version, including expired ones.
    counts: [[u32; 2]; 3],
    /// Entries that have a deadline, including expired ones.
    pub expiring: u32,
    /// The first free slot plus one; 0 for none.
    free: u32,
    /// Labels stored in the map of labels.
    pub labels: u32,
    /// Origins stored in the map of origins.
    pub origins: u32,
    /// Entries by list that the agent does not own, including expired ones.
    runtime_only: [u32; 3],
    reserved: [u32; 3],
}

const _: () = assert!(size_of::<Summary>() == 64);

filter_common::map_values!(Summary);

impl Summary {
    /// How many IPv4 entries and how many IPv6 entries one list has.
    pub fn count(&self, action: Action) -> (usize, usize) {
        let [v4, v6] = self.counts[index(action)];
        (v4 as usize, v6 as usize)
    }

    /// How many entries of one list a reboot would remove, because the agent does not own them.
    pub fn runtime_only(&self, action: Action) -> usize {
        self.runtime_only[index(action)] as usize
    }

    /// How many entries all lists have together.
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().map(|count| *count as usize).sum()
    }

    /// Adds an entry to the numbers, or subtracts it if `is_there` is false. A free record changes nothing.
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
        add(&mut self.counts[index(action)][version]);
        if !record.is_saved() {
            add(&mut self.runtime_only[index(action)]);
        }
        if record.expires_ns != 0 {
            add(&mut self.expiring);
        }
    }

    /// The first slot in the chain of free slots.
    pub fn free(&self) -> Option<u32> {
        self.free.checked_sub(1)
    }

    /// Sets the first slot in the chain of free slots.
    pub fn set_free(&mut self, slot: Option<u32>) {
        self.free = slot.map_or(0, |slot| slot + 1);
    }
}

/// The place of a list in the numbers by list. It is part of the pinned layout.
const fn index(action: Action) -> usize {
    match action {
        Action::Trust => 0,
        Action::Deny => 1,
        Action::Retire => 2,
    }
}

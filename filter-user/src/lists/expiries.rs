//! The map of deadlines: the program looks up there when a temporary prefix (`--for`) expires.

use aya::maps::{HashMap, MapData, MapError};
use filter_common::{Expiry, GENERATIONS};

use super::error::Result;
use crate::{
    pins::{directory::Pins, names::EXPIRIES},
    sys::error::Doing as _,
};

/// The deadlines of both generations. All times are nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Debug)]
pub struct Expiries {
    map: HashMap<MapData, u32, Expiry>,
}

impl Expiries {
    /// Opens the pinned map of a filter.
    pub fn open(pins: &Pins) -> Result<Self> {
        Ok(Self {
            map: pins.map(EXPIRIES)?,
        })
    }

    /// The deadline of the prefix that has `slot` in `generation`. `None` if the prefix does not expire.
    pub fn get(&self, slot: u32, generation: u32) -> Result<Option<u64>> {
        match self.map.get(&Expiry::key(slot, generation), 0) {
            Ok(expiry) => Ok(Some(expiry.deadline_ns)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error).doing(|| "cannot read when a prefix expires".into())?,
        }
    }

    /// Sets the deadline of a slot, and replaces an earlier one. `prefix_len` lets the program skip an expired
    /// prefix: it looks for a shorter one next.
    pub fn set(&mut self, slot: u32, generation: u32, deadline_ns: u64, prefix_len: u8) -> Result<()> {
        let expiry = Expiry {
            deadline_ns,
            prefix_len: prefix_len.into(),
            reserved: 0,
        };
        Ok(self
            .map
            .insert(Expiry::key(slot, generation), expiry, 0)
            .doing(|| "cannot remember when a prefix expires".into())?)
    }

    /// Removes the deadline of a slot. It is no error if there is none.
    pub fn remove(&mut self, slot: u32, generation: u32) -> Result<()> {
        if self.get(slot, generation)?.is_none() {
            return Ok(());
        }
        Ok(self
            .map
            .remove(&Expiry::key(slot, generation))
            .doing(|| "cannot forget when a prefix expires".into())?)
    }

    /// Removes all deadlines of a generation. It must not be in force.
    pub fn forget(&mut self, generation: u32) -> Result<()> {
        let what = || "cannot forget when prefixes expired".to_owned();
        Ok(self
            .keys(generation)?
            .into_iter()
            .try_for_each(|key| self.map.remove(&key).doing(what))?)
    }

    /// The slots of a generation whose deadline is at or before `now_ns`, in ascending order.
    pub fn over(&self, generation: u32, now_ns: u64) -> Result<Vec<u32>> {
        let mut slots = Vec::new();
        for key in self.keys(generation)? {
            let slot = key / GENERATIONS;
            if self
                .get(slot, generation)?
                .is_some_and(|deadline| deadline <= now_ns)
            {
                slots.push(slot);
            }
        }
        slots.sort_unstable();
        Ok(slots)
    }

    fn keys(&self, generation: u32) -> Result<Vec<u32>> {
        let keys: std::result::Result<Vec<u32>, _> = self.map.keys().collect();
        let mut keys = keys.doing(|| "cannot read when prefixes expire".into())?;
        keys.retain(|key| Expiry::generation(*key) == generation);
        Ok(keys)
    }
}

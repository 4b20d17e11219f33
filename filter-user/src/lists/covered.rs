//! Makes the coverage of the list in force exact again, from the records of its entries.

use std::{iter::Copied, slice::Iter};

use ipnet::IpNet;

use super::{
    coverage::{Coverage, Plan},
    error::Result,
    in_force::Lists,
    table::Table,
    tries::Tries,
};
use crate::{model::entry::Action, pins::directory::Pins};

/// The largest list, in entries, whose coverage is rebuilt after every removal. For such a list this takes a few
/// milliseconds.
pub const SMALL: usize = 65_536;

/// Updates coverage after `edits` changes of single entries. `is_larger_only` says that no entry was removed. A
/// large list is not read for each change: bits of removed entries stay until they are an eighth of the list.
pub fn tidy(pins: &Pins, lists: &Lists, secret: u64, edits: u64, is_larger_only: bool) -> Result<()> {
    let total = lists.summary().total();
    let drift = lists.header().drift() + edits;
    if total > SMALL && drift <= total as u64 / 8 {
        lists.header().set_drift(drift);
        lists.header().set_dirty(false);
        return Ok(());
    }
    make(pins, lists, secret, |coverage, plan| {
        is_larger_only && coverage.fits(plan)
    })
}

/// Sets exactly the bits that the list in force needs.
pub fn restore(pins: &Pins, lists: &Lists, secret: u64) -> Result<()> {
    make(pins, lists, secret, |_, _| false)
}

fn make(
    pins: &Pins,
    lists: &Lists,
    secret: u64,
    will_do: impl FnOnce(&Coverage, &Plan<Copied<Iter<'_, IpNet>>>) -> bool,
) -> Result<()> {
    let mut prefixes = Vec::new();
    for record in Table::whole(pins, &lists.directory())?.taken() {
        let (_, record) = record?;
        prefixes.extend(
            record
                .prefix()
                .filter(|_| record.action() != Some(Action::Retire)),
        );
    }
    prefixes.sort_unstable();
    let (coverage, plan) = (Coverage::open(pins)?, Plan::new(prefixes.iter().copied(), secret));
    if !will_do(&coverage, &plan) {
        let tries = Tries::open(pins, &lists.directory())?;
        coverage.settle(&plan, || tries.grace(pins, lists.number()))?;
    }
    lists.header().set_drift(0);
    lists.header().set_dirty(false);
    Ok(())
}

//! Finds out whether a noted change of one entry was made. The tries and the deadlines show it, because they are
//! what packets see.

use filter_common::Decision;

use super::{error::Result, expiries::Expiries, header::Intent, tries::Tries};
use crate::pins::{directory::Pins, generation::directory};

/// Whether packets already see the entry as it should be after the change.
pub fn is_done(pins: &Pins, generation: u32, intent: &Intent) -> Result<bool> {
    let tries = Tries::open(pins, &directory(generation))?;
    is_done_in(&tries, &Expiries::open(pins)?, generation, intent)
}

/// Answers [`is_done`] with tries and deadlines that are already open.
pub fn is_done_in(tries: &Tries, expiries: &Expiries, generation: u32, intent: &Intent) -> Result<bool> {
    let Intent {
        slot, before, after, ..
    } = intent;
    let known = if after.action().is_some() { after } else { before };
    let (Some(list), Some(prefix)) = (known.action(), known.prefix()) else {
        return Ok(false);
    };
    let found = tries
        .longest(list, prefix)?
        .filter(|decision| decision.slot() == *slot);
    Ok(match after.action() {
        None => found.is_none(),
        Some(action) => {
            found == Some(Decision::new(action.kernel(), *slot, after.expires_ns != 0))
                && (after.expires_ns == 0 || expiries.get(*slot, generation)? == Some(after.expires_ns))
        }
    })
}

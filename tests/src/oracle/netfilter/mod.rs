//! The second oracle: Linux itself, with the two iptables scripts that synwall replaces. The same frames go through the
//! program and, over a wire, through a host that a script protects.
//!
//! A frame that the program passes must not be one that the script drops, nor the other way round. Linux throws many of
//! the broken ones away before any rule sees them, and puts fragments together: what counts is what comes to the rules.

mod compare;
mod host;
mod script;
mod tally;

pub use compare::run;
pub use script::Script;
pub use tally::Totals;

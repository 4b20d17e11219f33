//! The second oracle: Linux itself, with the two iptables scripts that synwall replaces. The same frames go through
//! the program and, over a wire, to a host that a script protects.
//!
//! If the program passes a frame, the script must not drop it, and the other way round. Linux drops many broken
//! frames before any rule sees them, and reassembles fragments. So only packets that reach the rules are compared.

mod compare;
mod host;
mod script;
mod tally;

pub use compare::run;
pub use script::Script;
pub use tally::Totals;

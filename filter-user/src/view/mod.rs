//! One reading of a filter for all who show it: the command line, metrics, and later views.
//!
//! Every view shows the same facts under the same names: a type here that implements `Serialize` is the JSON of the command
//! line, and its fields name the columns and metrics.

pub mod by_list;
pub mod interface;
pub mod packets;
pub mod prefix;
pub mod rate;
pub mod reading;
pub mod source;

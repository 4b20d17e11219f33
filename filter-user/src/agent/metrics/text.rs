//! The page of metrics: the filter's and the agent's.

use prometheus::Result;

use super::{
    agent,
    family::{Families, truth},
    filter,
};
use crate::{agent::report::Report, view::reading::Reading};

/// The filter cannot be read: another version made it, or memory is short.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable;

/// The text of all metrics. If the filter cannot be read or is not up, the agent's remain.
pub fn text(filter: std::result::Result<Option<&Reading>, Unreadable>, report: &Report) -> Result<String> {
    let mut families = Families::default();
    let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
    families.gauge("synwall_build_info", "The version of the agent", [(version, 1.0)]);
    families.gauge(
        "synwall_read_error",
        "Whether the filter could not be read",
        [([], truth(filter.is_err()))],
    );
    if let Ok(filter) = filter {
        let up = truth(filter.is_some());
        families.gauge("synwall_up", "Whether there is a filter", [([], up)]);
    }
    if let Ok(Some(reading)) = filter {
        filter::add(&mut families, reading);
    }
    agent::add(&mut families, report);
    families.text()
}

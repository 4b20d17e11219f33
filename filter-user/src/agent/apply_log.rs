//! The log lines of an apply. A condition that lasts is logged once.

use super::{
    apply::Changes,
    plan::{Conflict, Plan},
};
use crate::{config::contents::Config, filter::error::Error, model::settings::drop_level_name};

/// Logs applies, and knows which lasting conditions it has logged.
#[derive(Debug, Default)]
pub struct ApplyLog {
    /// The sources whose first lists the agent waits for.
    waits_for: String,
    /// Why the filter cannot be observed.
    unobservable: Option<String>,
    is_source_length_other: bool,
}

impl ApplyLog {
    /// Logs that the agent waits for the first lists of `sources`, unless that is empty.
    pub fn waits_for(&mut self, sources: String) {
        if !sources.is_empty() && sources != self.waits_for {
            log::warn!(
                "waiting for the first list of {sources}: to drop everybody else before it is there would drop whom it trusts"
            );
        }
        self.waits_for = sources;
    }

    /// Logs why the filter cannot be observed, if there is an error.
    pub fn unobservable(&mut self, error: Option<String>) {
        if let Some(error) = &error
            && self.unobservable.as_ref() != Some(error)
        {
            log::error!("cannot look at the filter: {error}");
        }
        self.unobservable = error;
    }

    /// Logs what an apply has changed, and what it could not change. `known` are the conflicts that have been logged.
    pub fn applied(&mut self, config: &Config, changes: &Changes, known: &[Conflict]) {
        if let Some(plan) = &changes.plan {
            log_plan(plan, known);
        }
        if changes.is_source_length_other && !self.is_source_length_other {
            log::warn!(
                "count-sources-by cannot change on a running filter; it does with a new one: synwall down --all, then a reload"
            );
        }
        self.is_source_length_other = changes.is_source_length_other;
        log_settings_and_interfaces(config, changes);
    }

    /// An apply found no filter, so conditions of a running filter are over.
    pub const fn missing(&mut self) {
        self.is_source_length_other = false;
    }
}

/// Logs why the filter is not at the desired state, unless that is what was `known` before. Returns the message.
pub fn failed(error: &Error, known: Option<&str>) -> String {
    let message = match error {
        Error::NobodyTrusted => "no trusted prefix: every new connection to the protected ports would be dropped, so what \
            was in force before stays so; trust somebody in the configuration ([trust]), or write policy = \"observe\""
            .to_owned(),
        error => error.to_string(),
    };
    if known != Some(message.as_str()) {
        log::error!("{message}");
    }
    message
}

fn log_plan(plan: &Plan, known: &[Conflict]) {
    let Plan {
        edits,
        conflicts,
        without_grace,
        in_grace,
    } = plan;
    if !edits.is_empty() {
        let (set, removed) = (edits.set.len(), edits.remove.len());
        let stay = match in_grace {
            0 => String::new(),
            _ => format!("; {in_grace} stay until their time is over"),
        };
        log::info!("lists: {set} entries set, {removed} removed{stay}");
    }
    for (prefix, present, desired) in conflicts.iter().filter(|it| !known.contains(it)) {
        log::warn!(
            "{prefix} should be a {desired} entry and is a {present} entry, which was made by hand: it stays one"
        );
    }
    if *without_grace > 0 {
        log::warn!("{without_grace} entries went at once: no more can have a time to go");
    }
}

fn log_settings_and_interfaces(config: &Config, changes: &Changes) {
    if let Some(before) = &changes.settings_before {
        log::info!(
            "settings: {}, drop {}, tcp {}, udp {} (before: {}, drop {}, tcp {}, udp {})",
            config.policy.name(),
            drop_level_name(config.drop),
            config.tcp.brief(),
            config.udp.brief(),
            before.policy.name(),
            drop_level_name(before.drop),
            before.tcp.brief(),
            before.udp.brief(),
        );
    }
    for (name, mode) in &changes.other_mode {
        log::warn!(
            "{name} has the filter in {} mode, and keeps it: the other one cannot come without a gap; to have it: \
             synwall down {name}, then a reload",
            mode.name()
        );
    }
    for attached in &changes.attached {
        log::info!("{}: up, {} XDP", attached.interface, attached.mode.name());
        if let Some(why) = &attached.fallback {
            log::warn!(
                "{} cannot run XDP natively ({why}); generic XDP costs every packet an skb, so a flood takes several times \
                 the CPU",
                attached.interface
            );
        }
    }
    for name in &changes.detached {
        log::info!("{name}: the filter is off it, since the configuration no longer names it");
    }
    if let Some(error) = &changes.cleanup_failed {
        log::warn!(
            "it is in force, but what follows could not be done, and is left to the next change: {error}"
        );
    }
}

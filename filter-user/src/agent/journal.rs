//! What the log says of a change.

use super::{
    kernel::Outcome,
    plan::{Conflict, Plan},
};
use crate::{config::contents::Config, model::settings::drop_level_name};

/// The log. What lasts is said once.
#[derive(Debug, Default)]
pub struct Journal {
    /// The sources whose lists are waited for.
    waits_for: String,
    /// Why the kernel could not be asked.
    unseen: Option<String>,
    contradicted: Vec<Conflict>,
    counts_otherwise: bool,
}

impl Journal {
    /// Says that what drops packets waits for the first lists of these sources, if there are any.
    pub fn waits_for(&mut self, sources: String) {
        if !sources.is_empty() && sources != self.waits_for {
            log::warn!(
                "waiting for the first list of {sources}: to drop everybody else before it is there would drop whom it trusts"
            );
        }
        self.waits_for = sources;
    }

    /// Says why the kernel cannot be asked, if it cannot.
    pub fn unseen(&mut self, error: Option<String>) {
        if let Some(error) = &error
            && self.unseen.as_ref() != Some(error)
        {
            log::error!("cannot look at the filter: {error}");
        }
        self.unseen = error;
    }

    /// Says what was done, and what was not.
    pub fn outcome(&mut self, config: &Config, outcome: &Outcome) {
        if let Some(plan) = &outcome.plan {
            log_plan(plan, &self.contradicted);
            self.contradicted.clone_from(&plan.conflicts);
        }
        if outcome.counts_otherwise && !self.counts_otherwise {
            log::warn!(
                "count-sources-by cannot change on a running filter; it does with a new one: synwall down --all, then a reload"
            );
        }
        self.counts_otherwise = outcome.counts_otherwise;
        log_rest(config, outcome);
    }
}

/// `known` are contradictions that were told of already.
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
    for (prefix, present, wanted) in conflicts.iter().filter(|it| !known.contains(it)) {
        log::warn!(
            "{prefix} should be a {wanted} entry and is a {present} entry, which was made by hand: it stays one"
        );
    }
    if *without_grace > 0 {
        log::warn!("{without_grace} entries went at once: no more can have a time to go");
    }
}

fn log_rest(config: &Config, outcome: &Outcome) {
    if let Some(before) = &outcome.settings_before {
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
    for (name, mode) in &outcome.otherwise {
        log::warn!(
            "{name} has the filter in {} mode, and keeps it: the other one cannot come without a gap; to have it: \
             synwall down {name}, then a reload",
            mode.name()
        );
    }
    for attached in &outcome.attached {
        log::info!("{}: up, {} XDP", attached.interface, attached.mode.name());
        if let Some(why) = &attached.fallback {
            log::warn!(
                "{} cannot run XDP natively ({why}); generic XDP costs every packet an skb, so a flood takes several times \
                 the CPU",
                attached.interface
            );
        }
    }
    for name in &outcome.detached {
        log::info!("{name}: the filter is off it, since the configuration no longer names it");
    }
    if let Some(error) = &outcome.undone {
        log::warn!(
            "it is in force, but what follows could not be done, and is left to the next change: {error}"
        );
    }
}

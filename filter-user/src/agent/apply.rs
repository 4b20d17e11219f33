//! Applies the desired state to a filter that is open for change, and tells what has changed.

use super::{
    plan::{Plan, plan},
    removal::Removals,
};
use crate::{
    config::contents::Config,
    filter::{
        attachment::{Attachment, State},
        attachments::Attached,
        error::{Error, Result},
        instance::Instance,
    },
    model::{
        mode::{Mode, RequestedMode},
        rules::Rules,
        settings::{Policy, Settings},
    },
    sys::{
        clock,
        netlink::{self, Interface},
        random,
    },
    text::shown,
};

/// The desired state, and the part of it that is pending.
pub struct Desired<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The desired lists.
    pub rules: &'a Rules,
    /// When entries are removed that `rules` does not have.
    pub removals: &'a Removals,
    /// Whether `rules` has all entries that commands have saved. Called under the filter's lock, so no command can save more
    /// before the lists change.
    pub are_rules_current: &'a dyn Fn() -> bool,
    /// How far this apply may go.
    pub scope: Scope,
    /// Whether the lists of a running filter are pending. The lists of a new filter always are.
    pub lists: bool,
    /// Whether the settings of a running filter are pending.
    pub settings: bool,
    /// The interfaces to attach to. Without one, no filter is created.
    pub attach: &'a [Interface],
    /// The names of interfaces to detach from.
    pub detach: &'a [String],
}

/// How far an apply may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Creates the filter if there is none.
    Create,
    /// Changes the filter if there is one.
    Update,
    /// As [`Scope::Update`], but nothing that would drop more: no settings, and no interface that the filter was not on before.
    /// A trusted source has never had a list, and the clients that it trusts would be dropped.
    NoNewDrops,
}

/// What an apply came to.
#[derive(Debug)]
pub enum Outcome {
    /// There is no filter: the scope did not allow to create one, or every interface refused a new one.
    Missing {
        /// The interfaces that refused it.
        refused: Vec<Refused>,
    },
    /// Nothing was done: a command has saved entries that the desired lists do not have yet.
    Outdated,
    /// The filter is up, with these changes.
    Up(Box<Changes>),
}

/// An interface that the filter could not be attached to, and why.
pub type Refused = (Interface, Error);

/// What an apply has changed, and what it could not change.
#[derive(Debug, Default)]
pub struct Changes {
    /// The changes of the lists, if these were pending.
    pub plan: Option<Plan>,
    /// The former settings, if the settings have changed.
    pub settings_before: Option<Settings>,
    /// Whether the filter counts sources by other networks than the configuration says. A running filter cannot change that.
    pub is_source_length_other: bool,
    /// The interfaces that were attached now.
    pub attached: Vec<Attached>,
    /// The interfaces that have the filter in another mode than the configuration says, with that mode.
    pub other_mode: Vec<(String, Mode)>,
    /// The names of the interfaces that were detached.
    pub detached: Vec<String>,
    /// The interfaces that refused the filter.
    pub refused: Vec<Refused>,
    /// Why clean-up after a change could not be done. The change itself is in force.
    pub cleanup_failed: Option<Error>,
    /// Why lists or settings of a running filter are not as desired. Interfaces were attached all the same.
    pub failed: Option<Error>,
}

/// Applies the desired state. A new filter is all or nothing, so the first failure ends it.
pub fn apply(filter: &mut Instance, desired: &Desired<'_>, is_new: bool) -> Result<Changes> {
    let mut changes = Changes::default();
    match apply_lists_and_settings(filter, desired, is_new, &mut changes) {
        Err(error) if is_new => return Err(error),
        applied => changes.failed = applied.err(),
    }
    if is_new {
        filter.complete()?;
    }
    let mut interfaces = desired.attach.to_vec();
    if desired.scope == Scope::NoNewDrops {
        let was_on = |interface: &Interface| filter.attachments().iter().any(|a| is_former(a, interface));
        interfaces.retain(was_on);
    }
    attach(filter, &interfaces, desired.config.xdp, &mut changes);
    if desired.scope != Scope::NoNewDrops {
        forget_gone(filter, desired.config);
    }
    for name in desired.detach {
        let is_there = |a: &Attachment| a.state != State::Elsewhere && a.is_called(name);
        if changes.failed.is_none() && filter.attachments().iter().any(is_there) {
            filter.detach(std::slice::from_ref(name))?;
            changes.detached.push(shown(name));
        }
    }
    Ok(changes)
}

/// Whether `attachment` is the former one of an interface that went away and is back.
pub fn is_former(attachment: &Attachment, interface: &Interface) -> bool {
    attachment.state == State::Gone && attachment.is_called(&interface.name)
}

/// The settings that the configuration says, for a filter with the `running` settings or for a new one.
pub fn settings_of(config: &Config, running: Option<&Settings>) -> Result<Settings> {
    let (sources, secret) = match running {
        Some(running) => (running.sources, running.secret),
        None => (config.count_sources_by, random::number()?),
    };
    Ok(Settings {
        tcp: config.tcp.clone(),
        udp: config.udp.clone(),
        drop: config.drop,
        policy: config.policy,
        sources,
        secret,
    })
}

fn apply_lists_and_settings(
    filter: &mut Instance,
    desired: &Desired<'_>,
    is_new: bool,
    changes: &mut Changes,
) -> Result<()> {
    let config = desired.config;
    changes.is_source_length_other = config.count_sources_by != filter.settings().sources;
    let settings = settings_of(config, Some(filter.settings()))?;
    let is_pending = desired.settings && desired.scope != Scope::NoNewDrops && settings != *filter.settings();
    // Settings that drop less go before the lists lose entries; settings that drop more go after the lists have gained theirs.
    let is_first = is_pending && settings.policy == Policy::Observe;
    let before = is_pending.then(|| filter.settings().clone());
    if is_first {
        filter.set_settings(settings.clone())?;
        changes.settings_before.clone_from(&before);
    }
    if is_new || desired.lists {
        let plan = plan(
            &filter.live_rules()?,
            desired.rules,
            desired.removals,
            clock::now_ns()?,
        );
        if !plan.edits.is_empty() {
            filter.edit(plan.edits.clone())?;
        }
        changes.plan = Some(plan);
    }
    if is_pending && !is_first {
        filter.set_settings(settings)?;
        changes.settings_before = before;
    }
    Ok(())
}

/// Attaches to each interface by itself, so that one that refuses the filter does not leave the others unprotected.
fn attach(filter: &mut Instance, interfaces: &[Interface], requested: RequestedMode, changes: &mut Changes) {
    for interface in interfaces {
        if let Some(present) = filter.attachment_of(interface)
            && requested
                .mode()
                .is_some_and(|requested| requested != present.mode())
        {
            changes.other_mode.push((present.name(), present.mode()));
        }
        match filter.attach(std::slice::from_ref(interface), requested, 0) {
            Ok(attached) => changes.attached.extend(attached),
            Err(error) => changes.refused.push((interface.clone(), error)),
        }
    }
}

/// Removes the pins of interfaces that went away and that only a pattern matched. Short-lived interfaces, such as a
/// container's, never return under their old name: their pins would pile up.
fn forget_gone(filter: &mut Instance, config: &Config) {
    let patterns = || config.interfaces.iter().map(|pattern| &pattern.0);
    let is_named = |a: &Attachment| patterns().any(|pattern| a.is_called(pattern.as_str()));
    let is_matched = |a: &Attachment| patterns().any(|pattern| pattern.matches(&a.name()));
    let gone = filter.attachments().iter().filter(|a| a.state == State::Gone);
    let mut gone: Vec<&Attachment> = gone.filter(|a| is_matched(a) && !is_named(a)).collect();
    if gone.is_empty() {
        return;
    }
    let Ok(all) = netlink::all() else {
        return;
    };
    gone.retain(|a| !all.iter().any(|interface| a.is_called(&interface.name)));
    let names: Vec<String> = gone.into_iter().map(Attachment::name).collect();
    for name in names {
        // A pin that cannot be removed now is removed by the next apply.
        let _ = filter.detach(&[name]);
    }
}

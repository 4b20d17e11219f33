//! The kernel's side of the agent: one filter, brought to what is wanted in one go under its lock.

use std::path::PathBuf;

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
        instance::{self, Instance},
    },
    model::{
        entry::Action,
        mode::{Mode, RequestedMode},
        rules::Rules,
        settings::{Policy, Settings},
    },
    pins::directory::{AgentLock, Pins},
    sys::{
        clock,
        netlink::{self, Interface},
        preflight, random,
    },
    text::shown,
};

/// The filter that the agent keeps.
#[derive(Debug)]
pub struct Kernel {
    pin_dir: PathBuf,
    lock: AgentLock,
}

/// What is to be brought about.
pub struct Wish<'a> {
    /// What the configuration says.
    pub config: &'a Config,
    /// What should be in the lists.
    pub rules: &'a Rules,
    /// What becomes of entries that their list no longer has.
    pub removals: &'a Removals,
    /// Whether `rules` have what commands have saved. Under the filter's lock, none of them can come in between.
    pub are_rules_current: &'a dyn Fn() -> bool,
    /// Whether the lists of a running filter are changed.
    pub lists: bool,
    /// Whether its settings are.
    pub settings: bool,
    /// The interfaces to attach to, if the filter is not there.
    pub attach: &'a [Interface],
    /// The interfaces to take the filter off.
    pub detach: &'a [String],
    /// Whether the filter is set up where it is not.
    pub create: bool,
    /// Whether the filter is put on no other interfaces than those that it was on.
    pub only_again: bool,
}

/// What was brought about.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whether there is a filter.
    pub is_up: bool,
    /// What was done to the lists, and what was not, if something was.
    pub plan: Option<Plan>,
    /// That nothing was done, since `rules` were made before a command saved something.
    pub are_rules_old: bool,
    /// The settings that were there before, if others are in force now.
    pub settings_before: Option<Settings>,
    /// That drops are counted by other networks than the configuration says, which cannot be changed.
    pub counts_otherwise: bool,
    /// Where the filter is now and was not.
    pub attached: Vec<Attached>,
    /// Where the filter was already, in another mode than the configuration says; that mode.
    pub otherwise: Vec<(String, Mode)>,
    /// Where the filter no longer is.
    pub detached: Vec<String>,
    /// Where it could not be attached.
    pub refused: Vec<(Interface, Error)>,
    /// What follows a change in force, and could not be done.
    pub undone: Option<Error>,
    /// Why lists or settings of a running filter are not what is wished. Its interfaces were seen to all the same.
    pub failed: Option<Error>,
}

/// What the kernel has to say of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The policy that is in force.
    pub policy: Policy,
    /// The interfaces on which it should be in force, and is not.
    pub unprotected: Vec<Unprotected>,
}

/// An interface that the filter should be on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unprotected {
    /// Its index.
    pub index: u32,
    /// Its name, fit for a terminal.
    pub name: String,
    /// Why the filter is not in force on it.
    pub why: Why,
}

/// Why the filter is not in force on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody took it off, or it has not been there yet.
    TakenOff,
    /// Its program went with the interface, which is back, or was taken off with another tool.
    Returned,
    /// `up --confirm` was not confirmed in time.
    Unconfirmed,
}

impl Why {
    /// In the words of the operator.
    pub const fn text(self) -> &'static str {
        match self {
            Self::TakenOff => "the filter was taken off it",
            Self::Returned => "its program went with it when it went away",
            Self::Unconfirmed => "it was not confirmed in time",
        }
    }
}

impl Kernel {
    /// Takes the filter in `pin_dir` in charge. Fails where this process may not, and where another agent does.
    pub fn claim(pin_dir: PathBuf) -> Result<Self> {
        preflight::check()?;
        let lock = Pins::open_or_create(&pin_dir)?.lock_agent()?;
        Ok(Self { pin_dir, lock })
    }

    /// Brings about what is wished.
    pub fn bring_about(&mut self, wish: &Wish<'_>) -> Result<Outcome> {
        let fresh = settings_of(wish.config, None)?;
        let opened = match Instance::open_for_change(&self.pin_dir) {
            Err(error) if error.is_not_up() && wish.create && !wish.attach.is_empty() => {
                // Before anything is made for it.
                instance::refuse_nobody(&fresh, wish.rules.any(Action::Trust))?;
                Instance::open_or_create(&self.pin_dir, &fresh)
            }
            opened => opened.map(|filter| (filter, false)),
        };
        let (mut filter, is_new) = match opened {
            Err(error) if error.is_not_up() => return Ok(Outcome::default()),
            opened => opened?,
        };
        if !self.is_ours() {
            self.lock = filter.pins().lock_agent()?;
        }
        let mut outcome = Outcome::default();
        if wish.lists && !is_new && !(wish.are_rules_current)() {
            // What drops more would come before the entries that came with it.
            (outcome.is_up, outcome.are_rules_old) = (true, true);
            return Ok(outcome);
        }
        let done = change(&mut filter, wish, is_new, &mut outcome);
        if is_new && (done.is_err() || outcome.attached.is_empty()) {
            // A filter that is nowhere is none. What cannot be removed now is removed before the next is set up.
            let _ = filter.remove();
            outcome.plan = None;
            return done.map(|()| outcome);
        }
        outcome.is_up = true;
        outcome.undone = filter.take_undone();
        done.map(|()| outcome)
    }

    /// Whether the filter that is there is the one that this agent is in charge of, and not one that was set up since.
    pub fn is_ours(&self) -> bool {
        self.lock.holds()
    }

    /// How the filter is, and on which of those interfaces it is not. `None` if there is no filter.
    pub fn look(&self, interfaces: &[Interface]) -> Result<Option<Seen>> {
        let filter = match Instance::open(&self.pin_dir) {
            Err(error) if error.is_not_up() => return Ok(None),
            opened => opened?,
        };
        let now = clock::now_ns()?;
        let why = |interface: &Interface| match filter.attachment_of(interface) {
            Some(attachment) if attachment.is_overdue(now) => Some(Why::Unconfirmed),
            Some(_) => None,
            None => Some(if filter.attachments().iter().any(|a| is_old(a, interface)) {
                Why::Returned
            } else {
                Why::TakenOff
            }),
        };
        let unprotected = interfaces.iter().filter_map(|interface| {
            Some(Unprotected {
                index: interface.index,
                name: shown(&interface.name),
                why: why(interface)?,
            })
        });
        Ok(Some(Seen {
            policy: filter.settings().policy,
            unprotected: unprotected.collect(),
        }))
    }

    /// Takes the filter down, and removes it.
    pub fn take_down(self) -> Result<()> {
        match Instance::open_for_detaching(&self.pin_dir) {
            Err(error) if error.is_not_up() => Ok(()),
            opened => opened?.remove(),
        }
    }
}

fn change(filter: &mut Instance, wish: &Wish<'_>, is_new: bool, outcome: &mut Outcome) -> Result<()> {
    match change_lists_and_settings(filter, wish, is_new, outcome) {
        Err(error) if is_new => return Err(error),
        done => outcome.failed = done.err(),
    }
    if is_new {
        filter.complete()?;
    }
    let mut interfaces = wish.attach.to_vec();
    if wish.only_again {
        let was_on = |interface: &Interface| filter.attachments().iter().any(|a| is_old(a, interface));
        interfaces.retain(was_on);
    }
    attach(filter, &interfaces, wish.config.xdp, outcome);
    if !wish.only_again {
        clear_gone(filter, wish.config);
    }
    for name in wish.detach {
        let is_there = |a: &Attachment| a.state != State::Elsewhere && a.is_called(name);
        if outcome.failed.is_none() && filter.attachments().iter().any(is_there) {
            filter.detach(std::slice::from_ref(name))?;
            outcome.detached.push(shown(name));
        }
    }
    Ok(())
}

/// Lets go of interfaces that went away, which only a pattern meant: those that come in their place (of containers, say) have
/// other names, and what is left of each would stay for good.
fn clear_gone(filter: &mut Instance, config: &Config) {
    let names = || config.interfaces.iter().map(|pattern| &pattern.0);
    let is_named = |a: &Attachment| names().any(|pattern| a.is_called(pattern.as_str()));
    let is_meant = |a: &Attachment| names().any(|pattern| pattern.matches(&a.name()));
    let gone = filter.attachments().iter().filter(|a| a.state == State::Gone);
    let mut gone: Vec<&Attachment> = gone.filter(|a| is_meant(a) && !is_named(a)).collect();
    if gone.is_empty() {
        return;
    }
    let Ok(there) = netlink::all() else {
        return;
    };
    gone.retain(|a| !there.iter().any(|interface| a.is_called(&interface.name)));
    let names: Vec<String> = gone.into_iter().map(Attachment::name).collect();
    for name in names {
        // What cannot be removed now is the next time.
        let _ = filter.detach(&[name]);
    }
}

/// Whether the filter was on an interface that went away and is back.
fn is_old(attachment: &Attachment, interface: &Interface) -> bool {
    attachment.state == State::Gone && attachment.is_called(&interface.name)
}

fn change_lists_and_settings(
    filter: &mut Instance,
    wish: &Wish<'_>,
    is_new: bool,
    outcome: &mut Outcome,
) -> Result<()> {
    let config = wish.config;
    outcome.counts_otherwise = config.count_sources_by != filter.settings().sources;
    let settings = settings_of(config, Some(filter.settings()))?;
    let others = wish.settings && settings != *filter.settings();
    // What drops less comes before entries go, and what drops more after entries have come.
    let settings_first = others && settings.policy == Policy::Observe;
    let before = others.then(|| filter.settings().clone());
    if settings_first {
        filter.set_settings(settings.clone())?;
        outcome.settings_before.clone_from(&before);
    }
    if is_new || wish.lists {
        let plan = plan(&filter.live_rules()?, wish.rules, wish.removals, clock::now_ns()?);
        if !plan.edits.is_empty() {
            filter.edit(plan.edits.clone())?;
        }
        outcome.plan = Some(plan);
    }
    if others && !settings_first {
        filter.set_settings(settings)?;
        outcome.settings_before = before;
    }
    Ok(())
}

/// Each on its own: one that cannot have the filter is no reason for the others to go without.
fn attach(filter: &mut Instance, interfaces: &[Interface], wanted: RequestedMode, outcome: &mut Outcome) {
    for interface in interfaces {
        if let Some(present) = filter.attachment_of(interface)
            && wanted.mode().is_some_and(|wanted| wanted != present.mode())
        {
            outcome.otherwise.push((present.name(), present.mode()));
        }
        match filter.attach(std::slice::from_ref(interface), wanted, 0) {
            Ok(attached) => outcome.attached.extend(attached),
            Err(error) => outcome.refused.push((interface.clone(), error)),
        }
    }
}

/// What the configuration says, for a filter that is there or for a new one.
fn settings_of(config: &Config, running: Option<&Settings>) -> Result<Settings> {
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

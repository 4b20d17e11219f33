//! The agent's access to the kernel: one filter, observed and changed under its lock.

use std::path::PathBuf;

use super::{
    apply::{Desired, Outcome, Scope, apply, is_former, settings_of},
    observed::{Observed, Reason, Unprotected},
};
use crate::{
    filter::{
        error::Result,
        instance::{self, Instance},
    },
    model::entry::Action,
    pins::directory::{AgentLock, Pins},
    sys::{clock, netlink::Interface, preflight},
    text::shown,
};

/// The filter that the agent is in charge of.
#[derive(Debug)]
pub struct Kernel {
    pin_dir: PathBuf,
    lock: AgentLock,
}

impl Kernel {
    /// Takes charge of the filter in `pin_dir`. Fails without the privileges, and while another agent is in charge of it.
    pub fn claim(pin_dir: PathBuf) -> Result<Self> {
        preflight::check()?;
        let lock = Pins::open_or_create(&pin_dir)?.lock_agent()?;
        Ok(Self { pin_dir, lock })
    }

    /// Applies what is pending of the desired state.
    pub fn apply(&mut self, desired: &Desired<'_>) -> Result<Outcome> {
        let new_settings = settings_of(desired.config, None)?;
        let may_create = desired.scope == Scope::Create && !desired.attach.is_empty();
        let opened = match Instance::open_for_change(&self.pin_dir) {
            Err(error) if error.is_not_up() && may_create => {
                // Refuse before anything is created.
                instance::refuse_nobody(&new_settings, desired.rules.any(Action::Trust))?;
                Instance::open_or_create(&self.pin_dir, &new_settings)
            }
            opened => opened.map(|filter| (filter, false)),
        };
        let (mut filter, is_new) = match opened {
            Err(error) if error.is_not_up() => {
                return Ok(Outcome::Missing { refused: Vec::new() });
            }
            opened => opened?,
        };
        if !self.is_ours() {
            self.lock = filter.pins().lock_agent()?;
        }
        if desired.lists && !is_new && !(desired.are_rules_current)() {
            // Settings that drop more would come into force before the entries that were saved with them.
            return Ok(Outcome::Outdated);
        }
        match apply(&mut filter, desired, is_new) {
            Err(error) => {
                if is_new {
                    let _ = filter.remove();
                }
                Err(error)
            }
            Ok(changes) if is_new && changes.attached.is_empty() => {
                // A filter on no interface counts as none. What cannot be removed now is removed before the next one is created.
                let _ = filter.remove();
                Ok(Outcome::Missing {
                    refused: changes.refused,
                })
            }
            Ok(mut changes) => {
                changes.cleanup_failed = filter.take_undone();
                Ok(Outcome::Up(Box::new(changes)))
            }
        }
    }

    /// Whether the filter in the pin directory is still the one that this agent is in charge of. An operator may have taken it
    /// down and set up another one.
    pub fn is_ours(&self) -> bool {
        self.lock.holds()
    }

    /// Observes the filter, and which of `interfaces` it does not protect. `None` if there is no filter.
    pub fn observe(&self, interfaces: &[Interface]) -> Result<Option<Observed>> {
        let filter = match Instance::open(&self.pin_dir) {
            Err(error) if error.is_not_up() => return Ok(None),
            opened => opened?,
        };
        let now = clock::now_ns()?;
        let reason = |interface: &Interface| match filter.attachment_of(interface) {
            Some(attachment) if attachment.is_overdue(now) => Some(Reason::Unconfirmed),
            Some(_) => None,
            None => Some(if filter.attachments().iter().any(|a| is_former(a, interface)) {
                Reason::Returned
            } else {
                Reason::Detached
            }),
        };
        let unprotected = interfaces.iter().filter_map(|interface| {
            Some(Unprotected {
                index: interface.index,
                name: shown(&interface.name),
                reason: reason(interface)?,
            })
        });
        Ok(Some(Observed {
            policy: filter.settings().policy,
            unprotected: unprotected.collect(),
        }))
    }

    /// Takes the filter down and removes its pins.
    pub fn take_down(self) -> Result<()> {
        match Instance::open_for_detaching(&self.pin_dir) {
            Err(error) if error.is_not_up() => Ok(()),
            opened => opened?.remove(),
        }
    }
}

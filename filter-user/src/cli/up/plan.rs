//! What `synwall up` is going to do, planned before anything is changed.

use anyhow::bail;
use filter_user::{
    filter::{
        attachments::Attached,
        instance::{self, Instance},
    },
    model::{
        entry::{Action, NewEntry},
        mode::RequestedMode,
        rules::Rules,
        settings::Settings,
    },
    sys::{clock, netlink::Interface},
};

use super::options::Up;
use crate::cli::error::Error;

/// What is to be done to a filter.
pub struct Plan {
    pub interfaces: Vec<Interface>,
    pub settings: Settings,
    /// The lists, if they change.
    rules: Option<Rules>,
    mode: RequestedMode,
    /// When filtering ends unless it is confirmed; 0 for never.
    confirm_by_ns: u64,
    /// What to go back to if a running filter cannot be changed; a new one is removed.
    before: Option<(Settings, Rules)>,
}

impl Plan {
    pub fn new(up: &Up, filter: &Instance, trust: Vec<NewEntry>, is_new: bool) -> anyhow::Result<Self> {
        // Look at the interfaces under the lock: another command may have been changing them before.
        let interfaces = up.found()?;
        let running = filter.settings();
        if let Some(wanted) = up.sources.filter(|wanted| *wanted != running.sources) {
            bail!(Error::OtherSources {
                is: running.sources,
                wanted,
            });
        }
        let rules_before = filter.rules()?;
        let live = rules_before.clone().without_expired(clock::now_ns()?);
        let rules = live.add(Action::Trust, trust, up.force)?;
        let rules_change = rules != live;
        let settings = up.settings(running);
        instance::refuse_nobody(&settings, rules.any(Action::Trust))?;
        filter.check_free(&interfaces)?;
        refuse_other_mode(up.xdp.into(), filter, &interfaces)?;
        if up.confirm.is_some() && !is_new {
            refuse_more_than_attaching(filter, rules_change, settings != *running, &interfaces)?;
        }
        Ok(Self {
            interfaces,
            settings,
            rules: rules_change.then_some(rules),
            mode: up.xdp.into(),
            confirm_by_ns: up.confirm.map_or(Ok(0), clock::deadline_ns)?,
            before: (!is_new).then(|| (running.clone(), rules_before)),
        })
    }

    /// Does all of it, or nothing.
    pub fn apply(&mut self, filter: &mut Instance) -> anyhow::Result<Vec<Attached>> {
        let generation = filter.lists().number();
        let mut change = || {
            filter.install(self.settings.clone(), self.rules.take())?;
            if self.before.is_none() {
                filter.complete()?;
            }
            filter.attach(&self.interfaces, self.mode, self.confirm_by_ns)
        };
        let changed = change();
        if changed.is_err()
            && let Some((settings, rules)) = self.before.take()
        {
            // The first error tells why.
            let is_other = filter.lists().number() != generation;
            let _ = filter.install(settings, is_other.then_some(rules));
        }
        Ok(changed?)
    }
}

/// Refuses another mode than `--xdp native` or `--xdp generic` names on interfaces that have the filter already.
fn refuse_other_mode(
    wanted: RequestedMode,
    filter: &Instance,
    interfaces: &[Interface],
) -> Result<(), Error> {
    let Some(wanted) = wanted.mode() else {
        return Ok(());
    };
    let present = interfaces
        .iter()
        .filter_map(|interface| filter.attachment_of(interface));
    match present.into_iter().find(|attachment| attachment.mode() != wanted) {
        Some(attachment) => Err(Error::OtherMode {
            interface: attachment.name(),
            is: attachment.mode().name(),
            wanted: wanted.name(),
        }),
        None => Ok(()),
    }
}

fn refuse_more_than_attaching(
    filter: &Instance,
    rules_change: bool,
    settings_change: bool,
    interfaces: &[Interface],
) -> Result<(), Error> {
    let what = if rules_change {
        "the trusted prefixes of the running filter would change too"
    } else if settings_change {
        "the settings of the running filter would change too"
    } else if interfaces
        .iter()
        .all(|interface| filter.attachment_of(interface).is_some())
    {
        "the filter is on every interface named already"
    } else {
        return Ok(());
    };
    Err(Error::ConfirmCoversAttachOnly { what })
}

//! Bringing the filter up: open, plan, apply, print.

use std::{path::Path, process::ExitCode};

use filter_user::{
    filter::{attachments::Attached, instance::Instance},
    model::{
        duration,
        entry::{Action, NewEntry},
        rules::Rules,
        settings::Policy,
    },
    sys::netlink::Interface,
    text::shown,
};

use super::{options::Up, plan::Plan};
use crate::cli::output;

impl Up {
    pub fn run(self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        // Find what is wrong with the arguments before anything is touched.
        let trust = self.trusted()?;
        Rules::default().add(Action::Trust, trust.clone(), self.force)?;
        let (mut filter, is_new) = Instance::open_or_create(pin_dir, &self.fresh_settings()?)?;
        let result = self.bring_up(&mut filter, trust, is_new);
        if result.is_err() && is_new {
            // The first error tells why; what cannot be removed now is removed by the next `up`.
            let _ = filter.remove();
        }
        result
    }

    fn bring_up(
        &self,
        filter: &mut Instance,
        trust: Vec<NewEntry>,
        is_new: bool,
    ) -> anyhow::Result<ExitCode> {
        let mut plan = Plan::new(self, filter, trust, is_new)?;
        let attached = plan.apply(filter)?;
        report(filter, &plan.interfaces, &attached);
        output::warn_after_change(filter);
        self.remark(plan.settings.policy);
        Ok(ExitCode::SUCCESS)
    }

    fn remark(&self, policy: Policy) {
        if policy == Policy::Observe {
            output::note(
                "observing: nothing is dropped yet; when the counts are right: synwall set --enforce",
            );
        }
        if let Some(time) = self.confirm {
            output::note(format_args!(
                "filtering ends by itself in {} unless you keep it: synwall confirm",
                duration::format(time)
            ));
        }
    }
}

/// Prints the result for each interface.
fn report(filter: &Instance, interfaces: &[Interface], attached: &[Attached]) {
    for interface in interfaces {
        let name = shown(&interface.name);
        let Some(attached) = attached.iter().find(|attached| attached.interface == name) else {
            let waits = filter
                .attachment_of(interface)
                .is_some_and(|a| a.awaits_confirmation());
            let hint = if waits {
                ", and ends by itself unless you keep it: synwall confirm"
            } else {
                ""
            };
            output::note(format_args!("{name}: was up already{hint}"));
            continue;
        };
        if let Some(why) = &attached.fallback {
            output::warning(format_args!(
                "{name} cannot run XDP natively ({why}); generic XDP costs every packet an skb, so a flood takes \
                 several times the CPU"
            ));
        }
        output::note(format_args!("{name}: up, {} XDP", attached.mode.name()));
    }
}

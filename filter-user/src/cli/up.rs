//! `synwall up` and `synwall confirm`.

use std::{path::Path, process::ExitCode, str::FromStr as _, time::Duration};

use anyhow::bail;
use clap::{Args, ValueEnum};
use filter_common::DropLevel;
use filter_user::{
    feed::provider,
    filter::{
        attachments::Attached,
        instance::{self, Instance},
    },
    model::{
        duration,
        entry::{Action, NewEntry},
        lengths::Lengths,
        mode::RequestedMode,
        ports::PortSet,
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

use super::{error::Error, lists::read_list, output};

/// Attach the filter to interfaces; on one that has it already, change only what the options name
#[derive(Args)]
#[command(after_help = "The first time, look before you drop:\n  \
    synwall up eth0 --provider qrator --trust 198.51.100.0/24=office --observe\n  \
    synwall stats reasons --watch 1s\n  \
    synwall set --enforce")]
pub struct Up {
    /// The interfaces that traffic comes in on
    #[arg(required = true, value_name = "IFACE")]
    interfaces: Vec<String>,
    /// Trust a prefix; an address alone is a host prefix
    #[arg(long, value_name = "PREFIX[=LABEL]", value_parser = NewEntry::from_str)]
    trust: Vec<NewEntry>,
    /// Trust the prefixes in a file: one a line, `#` starts a comment; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    trust_file: Vec<String>,
    /// Trust the networks of a provider that are built in: qrator (others: the agent)
    #[arg(long, value_name = "NAME")]
    provider: Vec<String>,
    /// Protected TCP ports [default: 80,443]
    #[arg(long, value_name = "PORTS")]
    tcp: Option<PortSet>,
    /// Protected UDP ports, or none [default: none]
    #[arg(long, value_name = "PORTS", value_parser = PortSet::parse_or_none)]
    udp: Option<PortSet>,
    /// What happens to other TCP segments from untrusted sources [default: new]
    #[arg(long, value_name = "LEVEL")]
    drop: Option<Level>,
    /// Count what would be dropped, and let it pass
    #[arg(long)]
    observe: bool,
    /// Count drops by source networks of these lengths; cannot be changed later [default: 24,48]
    #[arg(long, value_name = "V4,V6")]
    sources: Option<Lengths>,
    /// Where the program runs
    #[arg(long, value_name = "MODE", default_value = "auto")]
    xdp: Xdp,
    /// Stop filtering again after this time (a day at the most), unless `synwall confirm` comes before
    #[arg(long, value_name = "TIME", value_parser = duration::parse_up_to_a_day)]
    confirm: Option<Duration>,
    /// Take 0.0.0.0/0 and ::/0 as prefixes
    #[arg(long)]
    force: bool,
}

/// What happens to TCP segments from untrusted sources that open no connection
#[derive(Clone, Copy, ValueEnum)]
pub enum Level {
    /// They pass: what was connected before stays connected
    New,
    /// They pass only if this host has a connection that they belong to
    Unestablished,
    /// They are dropped
    All,
}

impl From<Level> for DropLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::New => Self::New,
            Level::Unestablished => Self::Unestablished,
            Level::All => Self::All,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Xdp {
    /// In the driver if it can, else in the kernel's generic hook
    Auto,
    /// In the driver
    Native,
    /// In the kernel's generic hook
    Generic,
}

impl From<Xdp> for RequestedMode {
    fn from(xdp: Xdp) -> Self {
        match xdp {
            Xdp::Auto => Self::Auto,
            Xdp::Native => Self::Native,
            Xdp::Generic => Self::Generic,
        }
    }
}

/// Keep what `up --confirm` would otherwise undo
#[derive(Args)]
#[command(after_help = "Example: synwall up eth0 --provider qrator --confirm 60s && synwall confirm")]
pub struct Confirm {}

impl Up {
    pub fn run(self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        // Everything that can be wrong with what the user wrote comes before anything is touched.
        let mut trust = Vec::new();
        for name in &self.provider {
            trust.extend(provider::entries(name)?);
        }
        for file in &self.trust_file {
            trust.extend(read_list(file)?);
        }
        trust.extend(self.trust.iter().cloned());
        Rules::default().add(Action::Trust, trust.clone(), self.force)?;
        let fresh = Settings {
            tcp: self.tcp.clone().map_or_else(|| "80,443".parse(), Ok)?,
            udp: self.udp.clone().unwrap_or_else(PortSet::none),
            drop: self.drop.map_or(DropLevel::New, Into::into),
            policy: if self.observe {
                Policy::Observe
            } else {
                Policy::Enforce
            },
            sources: self.sources.unwrap_or_default(),
            secret: random::number()?,
        };
        let (mut filter, is_new) = Instance::open_or_create(pin_dir, &fresh)?;
        let result = self.apply(&mut filter, trust, is_new);
        if result.is_err() && is_new {
            // The first error tells why; what cannot be removed now is removed by the next `up`.
            let _ = filter.remove();
        }
        result
    }

    fn apply(&self, filter: &mut Instance, trust: Vec<NewEntry>, is_new: bool) -> anyhow::Result<ExitCode> {
        // Looked at only now: before we had the lock, another command may have been changing them.
        let mut interfaces = Vec::new();
        for name in &self.interfaces {
            let interface = netlink::by_name(name)?;
            if !interfaces.contains(&interface) {
                interfaces.push(interface);
            }
        }
        if let Some(wanted) = self.sources.filter(|wanted| *wanted != filter.settings().sources) {
            bail!(Error::OtherSources {
                is: filter.settings().sources,
                wanted,
            });
        }
        let (settings_before, rules_before) = (filter.settings().clone(), filter.rules()?);
        let live = filter.live_rules()?;
        let rules = live.add(Action::Trust, trust, self.force)?;
        let settings = self.settings(filter.settings());
        instance::refuse_nobody(&settings, rules.any(Action::Trust))?;
        filter.check_free(&interfaces)?;
        self.refuse_other_mode(filter, &interfaces)?;
        if self.confirm.is_some() && !is_new {
            self.refuse_more_than_attaching(filter, rules != live, settings != settings_before, &interfaces)?;
        }
        let confirm_by_ns = self.confirm.map_or(Ok(0), clock::deadline_ns)?;
        let change = |filter: &mut Instance| {
            filter.install(settings.clone(), (rules != live).then_some(rules))?;
            if is_new {
                filter.complete()?;
            }
            filter.attach(&interfaces, self.xdp.into(), confirm_by_ns)
        };
        let attached = match change(filter) {
            Ok(attached) => attached,
            Err(error) => {
                // Nothing half-way; a new filter goes altogether. The first error tells why.
                if !is_new {
                    let others = filter.rules().is_ok_and(|rules| rules != rules_before);
                    let _ = filter.install(settings_before, others.then_some(rules_before));
                }
                return Err(error.into());
            }
        };
        report(filter, &interfaces, &attached);
        output::warn_after_change(filter);
        self.remark(&settings, confirm_by_ns != 0);
        Ok(ExitCode::SUCCESS)
    }

    /// `--xdp native` and `--xdp generic` do just that or fail.
    fn refuse_other_mode(&self, filter: &Instance, interfaces: &[Interface]) -> Result<(), Error> {
        let Some(wanted) = RequestedMode::from(self.xdp).mode() else {
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
        &self,
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

    /// The settings of a running filter, with what the options name changed.
    fn settings(&self, running: &Settings) -> Settings {
        Settings {
            tcp: self.tcp.clone().unwrap_or_else(|| running.tcp.clone()),
            udp: self.udp.clone().unwrap_or_else(|| running.udp.clone()),
            drop: self.drop.map_or(running.drop, Into::into),
            policy: if self.observe {
                Policy::Observe
            } else {
                running.policy
            },
            sources: running.sources,
            secret: running.secret,
        }
    }

    fn remark(&self, settings: &Settings, awaits: bool) {
        if settings.policy == Policy::Observe {
            output::note(
                "observing: nothing is dropped yet; when the counts are right: synwall set --enforce",
            );
        }
        if let Some(time) = self.confirm.filter(|_| awaits) {
            output::note(format_args!(
                "filtering ends by itself in {} unless you keep it: synwall confirm",
                duration::format(time)
            ));
        }
    }
}

/// Says what became of each interface.
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

impl Confirm {
    pub fn run(&self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        let overdue = {
            let filter = Instance::open(pin_dir)?;
            let now = clock::now_ns()?;
            filter
                .attachments()
                .iter()
                .any(|attachment| attachment.is_overdue(now))
        };
        let mut filter = Instance::open_for_change(pin_dir)?;
        let names = filter.confirm()?;
        if names.is_empty() {
            bail!(Error::NothingToConfirm(if overdue {
                ": the time was over, and the filter was taken off again; bring it up anew"
            } else {
                ""
            }));
        }
        output::note(format_args!("confirmed: {} stays up", names.join(", ")));
        output::warn_after_change(&mut filter);
        Ok(ExitCode::SUCCESS)
    }
}

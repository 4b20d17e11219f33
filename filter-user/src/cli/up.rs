//! `synwall up` and `synwall confirm`.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::bail;
use clap::{Args, ValueEnum};
use filter_common::DropLevel;
use filter_user::{
    Error,
    attach::Wanted,
    clock,
    entry::{Action, Label, NewEntry, Origin},
    instance::Instance,
    interface, list_file,
    ports::PortSet,
    prefix, provider,
    rules::Rules,
    settings::{Policy, Settings},
};

use super::output;

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
    #[arg(long, value_name = "PREFIX[=LABEL]", value_parser = parse_trust)]
    trust: Vec<NewEntry>,
    /// Trust the prefixes in a file: one a line, `#` starts a comment; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    trust_file: Vec<String>,
    /// Trust the published networks of a provider: qrator
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
    /// Where the program runs
    #[arg(long, value_name = "MODE", default_value = "auto")]
    xdp: Xdp,
    /// Stop filtering again after this time, unless `synwall confirm` comes before
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
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

/// Keep what `up --confirm` would otherwise undo
#[derive(Args)]
#[command(after_help = "Example: synwall up eth0 --provider qrator --confirm 60s && synwall confirm")]
pub struct Confirm {}

/// Reads a time like `90s` or `20m`.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("it must be longer than nothing".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(format!("{error} (examples: 60s, 20m, 1h 30m)")),
    }
}

fn parse_trust(text: &str) -> Result<NewEntry, Error> {
    let (prefix, label) = text.split_once('=').unwrap_or((text, ""));
    Ok(NewEntry {
        prefix: prefix::parse(prefix)?,
        label: Label::new(label)?,
        origin: Origin::manual(),
        expires_ns: None,
    })
}

impl Up {
    pub fn run(self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        // Everything that can be wrong with what the user wrote comes before anything is touched.
        let mut trust = Vec::new();
        for name in &self.provider {
            trust.extend(provider::entries(name)?);
        }
        for file in &self.trust_file {
            trust.extend(list_file::read(file)?);
        }
        trust.extend(self.trust.iter().cloned());
        let planned = Rules::default().add(Action::Trust, trust.clone(), self.force)?;
        let fresh = Settings {
            tcp: self.tcp.clone().map_or_else(|| "80,443".parse(), Ok)?,
            udp: self.udp.clone().unwrap_or_else(PortSet::none),
            drop: self.drop.map_or(DropLevel::New, Into::into),
            policy: if self.observe {
                Policy::Observe
            } else {
                Policy::Enforce
            },
            sources_secret: secret()?,
        };
        filter_user::preflight::check()?;
        let mut interfaces = Vec::new();
        for name in &self.interfaces {
            let interface = interface::by_name(name)?;
            if !interfaces.contains(&interface) {
                interfaces.push(interface);
            }
        }

        let is_new = match Instance::open(pin_dir) {
            Ok(_) => false,
            Err(Error::NotUp { .. }) => true,
            Err(error) => return Err(error.into()),
        };
        if is_new && fresh.policy == Policy::Enforce && !planned.any(Action::Trust) {
            bail!(Error::NobodyTrusted {
                hint: "name somebody (--trust, --trust-file, --provider), or look without dropping (--observe)"
            });
        }

        let (mut filter, is_new) = Instance::open_or_create(pin_dir, &fresh)?;
        let result = self.apply(&mut filter, trust, &interfaces, is_new);
        if result.is_err() && is_new {
            filter.pins.remove()?;
        }
        result
    }

    fn apply(
        &self,
        filter: &mut Instance,
        trust: Vec<NewEntry>,
        interfaces: &[interface::Interface],
        is_new: bool,
    ) -> anyhow::Result<ExitCode> {
        let before = filter.live_rules()?;
        let rules = before.add(Action::Trust, trust, self.force)?;
        let settings = self.settings(&filter.settings);
        if self.confirm.is_some() && !is_new {
            let what = if rules != before {
                Some("the trusted prefixes of the running filter would change too")
            } else if settings != filter.settings {
                Some("the settings of the running filter would change too")
            } else if interfaces
                .iter()
                .all(|interface| filter.attachment_of(interface).is_some())
            {
                Some("the filter is on every interface named already")
            } else {
                None
            };
            if let Some(what) = what {
                bail!(Error::ConfirmCoversAttachOnly { what });
            }
        }
        let confirm_by_ns = self.confirm.map_or(Ok(0), clock::deadline_ns)?;
        let wanted = match self.xdp {
            Xdp::Auto => Wanted::Auto,
            Xdp::Native => Wanted::Native,
            Xdp::Generic => Wanted::Generic,
        };
        if settings != filter.settings {
            filter.set_settings(settings.clone())?;
        }
        if rules != before || is_new {
            filter.set_rules(rules)?;
        }
        let attached = filter.attach(interfaces, wanted, confirm_by_ns);
        let attached = match attached {
            Ok(attached) => attached,
            Err(error) => {
                // Nothing half-way: the lists go back to what they were.
                if !is_new {
                    filter.set_rules(before)?;
                }
                return Err(error.into());
            }
        };
        for interface in interfaces {
            match attached
                .iter()
                .find(|attached| attached.interface == interface.name)
            {
                Some(attached) => {
                    if let Some(why) = &attached.fallback {
                        output::warning(format_args!(
                            "{} cannot run XDP natively ({why}); generic XDP costs every packet an skb, so a \
                             flood takes several times the CPU",
                            interface.name
                        ));
                    }
                    output::note(format_args!(
                        "{}: up, {} XDP",
                        interface.name,
                        attached.mode.name()
                    ));
                }
                None => output::note(format_args!("{}: was up already", interface.name)),
            }
        }
        self.remark(&settings, confirm_by_ns != 0);
        Ok(ExitCode::SUCCESS)
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
            sources_secret: running.sources_secret,
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
                humantime::format_duration(time)
            ));
        }
    }
}

/// A number that attackers do not know.
fn secret() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

impl Confirm {
    pub fn run(&self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        let overdue = {
            let filter = Instance::open(pin_dir)?;
            let now = clock::now_ns()?;
            filter
                .attachments
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
        Ok(ExitCode::SUCCESS)
    }
}

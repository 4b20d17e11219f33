//! The options of `synwall up`, and what they ask for.

use std::{str::FromStr as _, time::Duration};

use clap::{Args, ValueEnum};
use filter_user::{
    feed::provider,
    model::{
        duration,
        entry::NewEntry,
        lengths::Lengths,
        mode::RequestedMode,
        ports::PortSet,
        settings::{Policy, Settings},
    },
    sys::{
        netlink::{self, Interface},
        random,
    },
};

use crate::cli::{level::Level, lists};

/// Attach the filter to interfaces; on one that has it already, change only what the options name
#[derive(Args)]
#[command(after_help = "The first time, look before you drop:\n  \
    synwall up eth0 --provider qrator --trust 198.51.100.0/24=office --observe\n  \
    synwall stats reasons --watch 1s\n  \
    synwall set --enforce")]
pub struct Up {
    /// The interfaces that traffic comes in on
    #[arg(required = true, value_name = "IFACE")]
    pub interfaces: Vec<String>,
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
    pub observe: bool,
    /// Count drops by source networks of these lengths; cannot be changed later [default: 24,48]
    #[arg(long, value_name = "V4,V6")]
    pub sources: Option<Lengths>,
    /// Where the program runs
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub xdp: Xdp,
    /// Stop filtering again after this time (a day at the most), unless `synwall confirm` comes before
    #[arg(long, value_name = "TIME", value_parser = duration::parse_up_to_a_day)]
    pub confirm: Option<Duration>,
    /// Take 0.0.0.0/0 and ::/0 as prefixes
    #[arg(long)]
    pub force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Xdp {
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

impl Up {
    /// The entries that the options name, in their order.
    pub fn trusted(&self) -> anyhow::Result<Vec<NewEntry>> {
        let mut trust = Vec::new();
        for name in &self.provider {
            trust.extend(provider::entries(name)?);
        }
        for file in &self.trust_file {
            trust.extend(lists::read_list(file)?);
        }
        trust.extend(self.trust.iter().cloned());
        Ok(trust)
    }

    /// The interfaces, each once.
    pub fn found(&self) -> anyhow::Result<Vec<Interface>> {
        let mut interfaces = Vec::new();
        for name in &self.interfaces {
            let interface = netlink::by_name(name)?;
            if !interfaces.contains(&interface) {
                interfaces.push(interface);
            }
        }
        Ok(interfaces)
    }

    /// The settings of a new filter.
    pub fn fresh_settings(&self) -> anyhow::Result<Settings> {
        Ok(Settings {
            sources: self.sources.unwrap_or_default(),
            ..self.settings(&Settings::new(random::number()?))
        })
    }

    /// The settings of a running filter, with what the options name changed.
    pub fn settings(&self, running: &Settings) -> Settings {
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
}

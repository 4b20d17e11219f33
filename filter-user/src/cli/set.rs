//! `synwall set`.

use std::{path::Path, process::ExitCode};

use clap::Args;
use filter_user::{
    filter::instance::Instance,
    model::{
        ports::PortSet,
        settings::{Policy, drop_level_name},
    },
};

use super::{level::Level, output};

/// Change what a running filter does, between two packets
#[derive(Args)]
#[group(required = true, multiple = true)]
#[command(after_help = "Example: synwall set --enforce --drop unestablished")]
pub struct Set {
    /// What happens to other TCP segments from untrusted sources
    #[arg(long, value_name = "LEVEL")]
    drop: Option<Level>,
    /// Count what would be dropped, and let it pass
    #[arg(long, conflicts_with = "enforce")]
    observe: bool,
    /// Drop
    #[arg(long)]
    enforce: bool,
    /// Protected TCP ports
    #[arg(long, value_name = "PORTS")]
    tcp: Option<PortSet>,
    /// Protected UDP ports, or none
    #[arg(long, value_name = "PORTS", value_parser = PortSet::parse_or_none)]
    udp: Option<PortSet>,
}

impl Set {
    pub fn run(self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        let mut filter = Instance::open_for_change(pin_dir)?;
        let mut settings = filter.settings().clone();
        if let Some(level) = self.drop {
            settings.drop = level.into();
        }
        if self.observe {
            settings.policy = Policy::Observe;
        }
        if self.enforce {
            settings.policy = Policy::Enforce;
        }
        settings.tcp = self.tcp.unwrap_or(settings.tcp);
        settings.udp = self.udp.unwrap_or(settings.udp);
        filter.set_settings(settings.clone())?;
        output::note(format_args!(
            "{}, drop {}, tcp {}, udp {}",
            settings.policy.name(),
            drop_level_name(settings.drop),
            settings.tcp.brief(),
            settings.udp.brief()
        ));
        output::warn_after_change(&mut filter);
        Ok(ExitCode::SUCCESS)
    }
}

//! `synwall down`.

use std::{path::Path, process::ExitCode};

use clap::Args;
use filter_user::{
    filter::instance::Instance,
    pins::directory::Pins,
    sys::{flock::Access, preflight},
};

use super::output;

/// Take the filter off interfaces; the lists and settings stay for the next `up`
#[derive(Args)]
#[command(after_help = "Example: synwall down eth0\n\
    Back to a machine without synwall: synwall down --all")]
pub struct Down {
    /// The interfaces
    #[arg(value_name = "IFACE", required_unless_present = "all", conflicts_with = "all")]
    interfaces: Vec<String>,
    /// Take it off every interface and forget the lists, the settings and the counters
    #[arg(long)]
    all: bool,
}

impl Down {
    pub fn run(&self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        if self.all {
            preflight::check()?;
            // This must also remove what another version left: it is the way out.
            Pins::open(pin_dir, Access::Change)?.remove()?;
            output::note("down: nothing of synwall is left in the kernel");
            return Ok(ExitCode::SUCCESS);
        }
        let mut filter = Instance::open_for_detaching(pin_dir)?;
        filter.detach(&self.interfaces)?;
        for interface in &self.interfaces {
            output::note(format_args!("{interface}: down"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

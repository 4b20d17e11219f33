//! `synwall confirm`.

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use clap::Args;
use filter_user::{filter::instance::Instance, sys::clock};

use super::{error::Error, output};

/// Keep what `up --confirm` would otherwise undo
#[derive(Args)]
#[command(after_help = "Example: synwall up eth0 --provider qrator --confirm 60s && synwall confirm")]
pub struct Confirm {}

impl Confirm {
    pub fn run(&self, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        let filter = Instance::open_for_detaching(pin_dir)?;
        // The next command takes an overdue filter off, and this one may be that command.
        let now = clock::now_ns()?;
        let mut attachments = filter.attachments().iter();
        let overdue = attachments.any(|attachment| attachment.is_overdue(now));
        let mut filter = filter.made_whole()?;
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

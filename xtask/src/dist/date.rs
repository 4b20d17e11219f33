//! The date that packages bear: that of the last commit, so that the same commit gives the same packages.
//! <https://reproducible-builds.org/specs/source-date-epoch/>

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{exec, place};

/// Seconds since 1970, UTC.
pub struct SourceDate(u64);

impl SourceDate {
    /// `SOURCE_DATE_EPOCH`, else when the last commit was made.
    pub fn find() -> Result<Self> {
        let seconds = match env::var("SOURCE_DATE_EPOCH") {
            Ok(given) => given,
            Err(_) => exec::ask(
                Command::new("git")
                    .args(["log", "-1", "--format=%ct"])
                    .current_dir(place::root()),
            )
            .context("packages bear the date of the last commit; without git, set SOURCE_DATE_EPOCH to seconds since 1970")?,
        };
        let number = seconds.trim().parse();
        number.map(Self).with_context(|| {
            format!("the date of the last commit (SOURCE_DATE_EPOCH) is not a number of seconds: {seconds:?}")
        })
    }

    /// As in `SOURCE_DATE_EPOCH`.
    pub fn epoch(&self) -> String {
        self.0.to_string()
    }

    /// The day, as YYYY-MM-DD.
    pub fn day(&self) -> Result<String> {
        exec::ask(Command::new("date").args(["--utc", &format!("--date=@{}", self.0), "+%F"]))
    }
}

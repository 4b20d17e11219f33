//! What goes into both packages and is not in the repository as it is: the binary without its symbols, manual pages,
//! completions, the licences of the crates that the binary contains.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::date::SourceDate;
use super::{VERSION, licences};
use crate::{exec, place};

/// Puts all of it below a directory.
pub fn collect(synwall: &Path, directory: &Path, date: &SourceDate) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    exec::run(
        Command::new("strip")
            .arg("-o")
            .arg(directory.join("synwall"))
            .arg(synwall),
    )?;
    let day = date.day()?;
    exec::run(
        Command::new(synwall)
            .arg("generate")
            .arg(directory)
            .args(["--date", &day]),
    )?;
    configuration_page(directory, &day)?;
    let licences = licences::of_the_binary()?;
    fs::write(directory.join("third-party-licences.txt"), licences).context("cannot write the licences")
}

/// The reference of the configuration file is Markdown that is made from the code.
fn configuration_page(directory: &Path, day: &str) -> Result<()> {
    let reference = place::root().join("docs/configuration.md");
    exec::run(
        Command::new("lowdown")
            .args(["-s", "-Tman"])
            .args(["-M", "title=synwall.toml", "-M", "section=5"])
            .args([
                "-M",
                &format!("date={day}"),
                "-M",
                &format!("source=synwall {VERSION}"),
            ])
            .args(["-M", "volume=File formats", "-o"])
            .arg(directory.join("man/synwall.toml.5"))
            .arg(reference),
    )
}

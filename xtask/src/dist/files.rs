//! What goes into both packages and is not in the repository as it is: the binary without its symbols, manual pages,
//! completions, the licences of the crates that the binary contains.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::date::SourceDate;
use super::{VERSION, licences};
use crate::exec;

/// Puts all of it below a directory.
pub fn collect(synwall: &Path, directory: &Path, date: &SourceDate) -> Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    exec::run(
        Command::new("strip")
            // The compilers' versions.
            .args(["--remove-section=.comment", "-o"])
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

/// The reference of the configuration file is Markdown; a manual page has to begin with its name.
fn configuration_page(directory: &Path, day: &str) -> Result<()> {
    // What `synwall generate` has made of it.
    let path = directory.join("configuration.md");
    let reference = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let body = match reference.split_once('\n') {
        Some((title, body)) if title.starts_with("# ") => body,
        _ => &reference,
    };
    let page = directory.join("synwall.toml.md");
    let text =
        format!("# NAME\n\nsynwall.toml - configuration of the synwall agent\n\n# DESCRIPTION\n{body}");
    fs::write(&page, text).with_context(|| format!("cannot write {}", page.display()))?;
    exec::run(
        Command::new("lowdown")
            .args(["-s", "-Tman", "--parse-no-metadata"])
            .args(["-M", "title=synwall.toml", "-M", "section=5"])
            .args([
                "-M",
                &format!("date={day}"),
                "-M",
                &format!("source=synwall {VERSION}"),
            ])
            .args(["-M", "volume=File formats", "-o"])
            .arg(directory.join("man/synwall.toml.5"))
            .arg(&page),
    )?;
    for made in [page, path] {
        fs::remove_file(&made).with_context(|| format!("cannot remove {}", made.display()))?;
    }
    Ok(())
}

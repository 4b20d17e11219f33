//! The licences of the crates that are linked into the binary: each asks for its text to come with copies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{exec, place};

/// Files of a crate that are part of its licence, by how their names begin.
const NAMES: [&str; 5] = ["LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// A page with all crates and, once each, the texts that come with them.
pub fn of_the_binary() -> Result<String> {
    let directories = directories()?;
    let mut page = String::from("synwall contains these libraries. The texts of their licences follow.\n\n");
    let mut texts = BTreeMap::<String, BTreeSet<String>>::new();
    for line in linked()?.lines().collect::<BTreeSet<_>>() {
        // `name vVERSION|LICENCE`, behind the version where it is from unless it is the registry.
        let (package, licence) = line
            .split_once('|')
            .with_context(|| format!("cargo tree printed {line:?}"))?;
        let mut words = package.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().unwrap_or_default().trim_start_matches('v');
        // Ours have paths.
        if words.next().is_some() {
            continue;
        }
        ensure!(!licence.is_empty(), "{name} {version} has no licence");
        let library = format!("{name} {version}");
        writeln!(page, "{library}: {licence}")?;
        let directory = directories
            .get(&library)
            .with_context(|| format!("cargo metadata does not know {library}"))?;
        for text in texts_in(directory)? {
            texts.entry(text).or_default().insert(library.clone());
        }
    }
    for (text, libraries) in texts {
        let libraries: Vec<String> = libraries.into_iter().collect();
        write!(page, "\n\n======== {}\n\n{text}\n", libraries.join(", "))?;
    }
    Ok(page)
}

/// What the two programs are linked from; macros and build scripts run at build time only.
fn linked() -> Result<String> {
    let tree = exec::ask(
        Command::new(place::cargo())
            .args(["tree", "--locked", "-p", "filter-user", "-p", "filter-ebpf"])
            .args([
                "-e",
                "normal,no-proc-macro",
                "--prefix",
                "none",
                "--format",
                "{p}|{l}",
            ])
            .current_dir(place::root()),
    )?;
    // Those that were shown before have a star.
    let lines = tree.lines().filter(|line| !line.is_empty());
    Ok(lines
        .map(|line| line.trim_end_matches(" (*)"))
        .collect::<Vec<_>>()
        .join("\n"))
}

/// Where the sources of each crate are, by name and version.
fn directories() -> Result<BTreeMap<String, PathBuf>> {
    let metadata = exec::ask(
        Command::new(place::cargo())
            .args(["metadata", "--locked", "--format-version", "1"])
            .current_dir(place::root()),
    )?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata")?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let directory = |package: &Value| {
        let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
        let manifest = Path::new(package["manifest_path"].as_str()?);
        Some((name, manifest.parent()?.to_owned()))
    };
    Ok(packages.filter_map(directory).collect())
}

fn texts_in(directory: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|begin| name.starts_with(begin)) && entry.path().is_file() {
            let text =
                fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
            texts.push(String::from_utf8_lossy(&text).trim_end().replace('\r', ""));
        }
    }
    Ok(texts)
}

//! `--save`: a change of a list that outlives a reboot.
//!
//! The file changes first, then the kernel, both under their locks. If the kernel refuses, the file is put back.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use filter_user::{
    config::contents::{Config, DEFAULT},
    files::{self, saved::SAVED, saved_list::SavedList},
    filter::{change::Change, error::Result, instance::Instance},
    model::{
        entry::{Action, Entry, NewEntry},
        rules::{self, Difference},
    },
};
use ipnet::IpNet;

use super::{error::files_refuse_usage, output, progress::Watched};

/// The options that keep a change over a reboot.
#[derive(Args)]
pub struct Save {
    /// Keep the change over a reboot: in a list beside the configuration file, which the agent reads
    #[arg(long)]
    pub save: bool,
    /// With --save: the configuration file; otherwise SYNWALL_CONFIG names it, or it is /etc/synwall/synwall.toml
    #[arg(long, value_name = "FILE", requires = "save")]
    config: Option<PathBuf>,
}

impl Save {
    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        let from_environment = || std::env::var_os("SYNWALL_CONFIG").filter(|file| !file.is_empty());
        let otherwise = || from_environment().unwrap_or_else(|| DEFAULT.into()).into();
        self.config.clone().unwrap_or_else(otherwise)
    }
}

/// Adds entries to the file and to the list.
pub fn add(config: &Path, pin_dir: &Path, list: Action, entries: Vec<NewEntry>) -> anyhow::Result<ExitCode> {
    let mut saved = SavedList::open(config, list).inspect_err(way_round)?;
    let mistake = match Config::read_file(config) {
        Ok((config, _)) => {
            config.refuse_outranked(list, &entries)?;
            None
        }
        Err(mistakes) => mistakes.into_iter().next(),
    };
    let mut filter = open(pin_dir)?;
    stand_in(&mut saved, filter.as_ref(), list)?;
    saved.add(&entries).inspect_err(way_round)?;
    let (origin, count) = (saved.origin(), entries.len());
    let entries = entries.into_iter().map(|entry| NewEntry {
        origin: origin.clone(),
        saved: true,
        ..entry
    });
    let change = Change::Add {
        entries: entries.collect(),
        force: false,
    };
    apply(&saved, filter.as_mut(), list, Some(change))?;
    finish(&saved, filter.as_ref(), &format!("{list}: {count} saved in"));
    if let Some(mistake) = mistake {
        output::warning(format_args!(
            "the configuration cannot be used as it is, so the agent goes by the one before, if there is one: {mistake}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Restores a missing file from the entries that the filter has of it.
fn stand_in(saved: &mut SavedList, filter: Option<&Instance>, list: Action) -> Result<()> {
    let Some(filter) = filter.filter(|_| saved.is_missing()) else {
        return Ok(());
    };
    let (origin, rules) = (saved.origin(), filter.live_rules()?);
    let held = rules
        .iter()
        .filter(|entry| entry.action == list && entry.saved && entry.origin == origin);
    let held: Vec<NewEntry> = held.map(NewEntry::from).collect();
    if !held.is_empty() {
        output::warning(format_args!(
            "the list {} was gone; it is written anew with what the filter has of it ({} entries)",
            saved.path().display(),
            held.len()
        ));
    }
    saved.stand_in(held);
    Ok(())
}

/// Says how to change the filter without the files, if the files are to blame.
fn way_round(error: &files::error::Error) {
    if !files_refuse_usage(error) {
        output::note(
            "nothing was saved, and the filter is as it was; to change it at once, until a reboot: leave out --save",
        );
    }
}

/// Removes prefixes from the file and from the list. Each must be in one of them.
pub fn remove(config: &Path, pin_dir: &Path, list: Action, prefixes: &[IpNet]) -> anyhow::Result<ExitCode> {
    let mut saved = SavedList::open(config, list)?;
    let mut filter = open(pin_dir)?;
    stand_in(&mut saved, filter.as_ref(), list)?;
    let present = present(filter.as_ref(), list, prefixes)?;
    let is_present = |prefix: IpNet| present.iter().any(|entry| entry.prefix == prefix);
    if let Some(prefix) = prefixes
        .iter()
        .find(|prefix| !saved.has(**prefix) && !is_present(**prefix))
    {
        if filter.is_none() && saved.is_missing() {
            output::note(format_args!(
                "there is no list {}; if there was one, the agent goes by what it had until there is: put an empty file there",
                saved.path().display()
            ));
        }
        return Err(rules::Error::NotListed {
            prefix: *prefix,
            action: list,
        }
        .into());
    }
    saved.remove(prefixes)?;
    let there: Vec<IpNet> = present.iter().map(|entry| entry.prefix).collect();
    let change = (!there.is_empty()).then_some(Change::Remove(there));
    apply(&saved, filter.as_mut(), list, change)?;
    let count = prefixes.iter().filter(|prefix| saved.has(**prefix)).count();
    finish(&saved, filter.as_ref(), &format!("{list}: {count} taken out of"));
    for entry in present.iter().filter(|entry| entry.origin != saved.origin()) {
        warn_of_return(entry);
    }
    Ok(ExitCode::SUCCESS)
}

/// Warns if the agent will put a removed entry back.
pub fn warn_of_return(entry: &Entry) {
    if !entry.saved {
        return;
    }
    let (prefix, list, origin) = (entry.prefix, entry.action, entry.origin.as_str());
    let what = if origin.ends_with(&format!("/{}/{list}.list", SAVED)) {
        format!("it is saved ({origin}); remove it there, too: synwall {list} remove {prefix} --save")
    } else {
        format!("it comes from elsewhere ({origin}); take it out there")
    };
    output::warning(format_args!(
        "{prefix} is removed until the agent (synwall run) reads its files again: {what}"
    ));
}

/// The entries of a list that have these prefixes.
pub fn present(filter: Option<&Instance>, list: Action, prefixes: &[IpNet]) -> Result<Vec<Entry>> {
    let Some(filter) = filter else {
        return Ok(Vec::new());
    };
    Ok(filter.lists().find(filter.pins(), list, prefixes)?)
}

/// The filter, if it is up.
fn open(pin_dir: &Path) -> Result<Option<Instance>> {
    match Instance::open_for_change(pin_dir) {
        Err(error) if error.is_not_up() => Ok(None),
        opened => opened.map(Some),
    }
}

fn apply(
    saved: &SavedList,
    filter: Option<&mut Instance>,
    list: Action,
    change: Option<Change>,
) -> anyhow::Result<()> {
    let (Some(filter), Some(change)) = (filter, change) else {
        return Ok(());
    };
    let watched = Watched::new();
    watched.follow(filter);
    let changed: Result<Difference> = filter.change(list, change);
    watched.end();
    match changed {
        Ok(difference) => {
            output::difference(list, &difference);
            output::warn_after_change(filter);
            Ok(())
        }
        Err(error) => {
            if let Err(kept) = saved.put_back() {
                output::warning(format_args!(
                    "the list {} is not what it was: {kept}",
                    saved.path().display()
                ));
            }
            Err(error.into())
        }
    }
}

fn finish(saved: &SavedList, filter: Option<&Instance>, what: &str) {
    let file = saved.path().display();
    if filter.is_some() {
        output::note(format_args!("{what} {file}"));
    } else {
        output::note(format_args!(
            "{what} {file}; the filter is not up, so it takes effect when the agent starts (synwall run)"
        ));
    }
}

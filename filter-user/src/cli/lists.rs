//! `synwall trust`, `synwall deny` and `synwall retire`.

use std::{collections::HashSet, net::IpAddr, path::Path, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use filter_user::{
    files::list_file,
    filter::{change::Change, instance::Instance},
    model::{
        duration,
        entry::{Action, Label, NewEntry, Origin},
        prefix,
    },
    sys::clock,
};
use ipnet::IpNet;

use super::{
    list::List,
    output::{self, Output},
    own,
    progress::Watched,
    save::{self, Save},
    trust_check,
};

/// The verbs of a list of sources.
#[derive(Subcommand)]
pub enum SourceVerb {
    /// Add prefixes; one that is there already takes the new label and time
    #[command(
        after_help = "Examples:\n  synwall trust add 198.51.100.0/24 2001:db8:1::/48 --label office --for 8h\n  \
    synwall deny add 198.51.100.66"
    )]
    Add {
        #[command(flatten)]
        what: Add,
        /// Remove them again after this time
        #[arg(long = "for", value_name = "TIME", value_parser = duration::parse, conflicts_with = "save")]
        time: Option<Duration>,
    },
    Remove(Remove),
    List(List),
    /// Put the list in a file (or standard input) in the place of this one, all at once
    #[command(after_help = "Examples: synwall trust replace trusted.txt; synwall deny replace denied.txt")]
    Replace {
        /// One prefix a line, an optional label behind it, `#` starts a comment; `-` for standard input
        file: String,
        /// Take 0.0.0.0/0 and ::/0
        #[arg(long)]
        force: bool,
    },
    /// Say which prefix decides about an address; exit code 0 if it is trusted, 1 if not
    #[command(after_help = "Example: synwall trust check 198.51.100.7 && echo trusted")]
    Check {
        #[arg(value_name = "IP", value_parser = prefix::parse_address)]
        address: IpAddr,
        /// One JSON document
        #[arg(long)]
        json: bool,
    },
}

/// The verbs of the list of former addresses.
#[derive(Subcommand)]
pub enum RetireVerb {
    /// Add former addresses; from then on they answer nothing
    #[command(after_help = "Example: synwall retire add 203.0.113.10 --label before-the-proxy")]
    Add(Add),
    Remove(Remove),
    List(List),
}

#[derive(Args)]
pub struct Add {
    #[arg(required = true, value_name = "PREFIX", value_parser = prefix::parse)]
    prefixes: Vec<IpNet>,
    /// What to call them, 31 bytes at the most
    #[arg(long, default_value = "", hide_default_value = true, value_parser = Label::new)]
    label: Label,
    /// Take 0.0.0.0/0 and ::/0
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    keep: Save,
}

/// Remove prefixes; all must be there
#[derive(Args)]
#[command(after_help = "Examples:\n  synwall trust remove 198.51.100.0/24\n  \
    synwall deny remove 198.51.100.66\n  synwall retire remove 203.0.113.10")]
pub struct Remove {
    #[arg(required = true, value_name = "PREFIX", value_parser = prefix::parse)]
    prefixes: Vec<IpNet>,
    #[command(flatten)]
    keep: Save,
}

impl SourceVerb {
    pub fn run(self, list: Action, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add { what, time } => what.run(list, time, pin_dir),
            Self::Remove(what) => what.run(list, pin_dir),
            Self::List(what) => what.run(list, pin_dir, output),
            Self::Replace { file, force } => {
                // Read the list before the filter is locked: it may come slowly through a pipe.
                let watched = Watched::new();
                let entries = read_list(&file)?;
                change(pin_dir, list, Change::Replace { entries, force }, &watched)
            }
            Self::Check { address, json } => trust_check::check(address, json, pin_dir, output),
        }
    }
}

impl RetireVerb {
    pub fn run(self, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(what) => what.run(Action::Retire, None, pin_dir),
            Self::Remove(what) => what.run(Action::Retire, pin_dir),
            Self::List(what) => what.run(Action::Retire, pin_dir, output),
        }
    }
}

impl Add {
    fn run(self, list: Action, time: Option<Duration>, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        let expires_ns = time.map(clock::deadline_ns).transpose()?;
        let prefixes = once(self.prefixes);
        if list == Action::Retire {
            own::retired(&prefixes).iter().for_each(output::warning);
        }
        let entries = prefixes
            .into_iter()
            .map(|prefix| NewEntry {
                prefix,
                label: self.label.clone(),
                origin: Origin::manual(),
                expires_ns,
                saved: false,
            })
            .collect();
        if self.keep.save {
            return save::add(&self.keep.config(), pin_dir, list, entries);
        }
        let change_to = Change::Add {
            entries,
            force: self.force,
        };
        change(pin_dir, list, change_to, &Watched::new())
    }
}

impl Remove {
    fn run(self, list: Action, pin_dir: &Path) -> anyhow::Result<ExitCode> {
        let prefixes = once(self.prefixes);
        if self.keep.save {
            return save::remove(&self.keep.config(), pin_dir, list, &prefixes);
        }
        let watched = Watched::new();
        let mut filter = Instance::open_for_change(pin_dir)?;
        let present = save::present(Some(&filter), list, &prefixes)?;
        change_opened(&mut filter, list, Change::Remove(prefixes), &watched)?;
        present.iter().for_each(save::warn_of_return);
        Ok(ExitCode::SUCCESS)
    }
}

/// The prefixes without repetitions, in their order.
fn once(mut prefixes: Vec<IpNet>) -> Vec<IpNet> {
    let mut seen = HashSet::new();
    prefixes.retain(|prefix| seen.insert(*prefix));
    prefixes
}

/// Reads a list file. If a group may write to it, that may be on purpose: it is a warning.
pub fn read_list(file: &str) -> anyhow::Result<Vec<NewEntry>> {
    let list = list_file::read(file)?;
    if let Some(exposed) = list.exposed {
        output::warning(format_args!("the list {file} can be changed by {exposed}"));
    }
    Ok(list.entries)
}

/// Changes a list, and prints the difference.
fn change(pin_dir: &Path, list: Action, change: Change, watched: &Watched) -> anyhow::Result<ExitCode> {
    let mut filter = Instance::open_for_change(pin_dir)?;
    change_opened(&mut filter, list, change, watched)?;
    Ok(ExitCode::SUCCESS)
}

fn change_opened(
    filter: &mut Instance,
    list: Action,
    change: Change,
    watched: &Watched,
) -> anyhow::Result<()> {
    watched.follow(filter);
    let difference = filter.change(list, change)?;
    watched.end();
    output::difference(list, &difference);
    output::warn_after_change(filter);
    Ok(())
}

//! `synwall config`: what a configuration file says, without touching anything.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use filter_user::{
    agent::interfaces::select,
    config::{
        contents::{Config, DEFAULT, InterfacePattern},
        error::Error,
        ranks::{Place, Ranks},
        show,
    },
    feed::definition::{Feed, Location},
    files::{list_file, saved},
    model::{
        duration,
        entry::Action,
        settings::{Policy, drop_level_name},
    },
    sys::netlink,
};
use ipnet::IpNet;
use serde::Serialize;

use super::{
    output::{self, Output, SCHEMA},
    own,
};

/// Where most people come in to mend what they broke.
const SSH: u16 = 22;

#[derive(Subcommand)]
pub enum ConfigVerb {
    /// Read the file and the lists that it names, and say what is wrong; exit code 0 if nothing is
    #[command(after_help = "Example: synwall config check && systemctl reload synwall\n\
        Needs no privileges but those to read the files, and changes nothing.")]
    Check(File),
    /// Print what is in force with the file: every default filled in, providers as sources
    #[command(after_help = "Example: synwall config show /etc/synwall/synwall.toml\n\
        What it prints is a configuration file again.")]
    Show(File),
}

#[derive(Args)]
pub struct File {
    /// The configuration file
    #[arg(env = "SYNWALL_CONFIG", value_name = "FILE", default_value = DEFAULT)]
    file: PathBuf,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

impl ConfigVerb {
    pub fn run(self, output: &mut Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(File { file, json }) => check(&file, json, output),
            Self::Show(File { file, json }) => show_file(&file, json, output),
        }
    }
}

#[derive(Serialize)]
struct CheckDocument {
    schema: u32,
    file: PathBuf,
    ok: bool,
    mistakes: Vec<String>,
    warnings: Vec<String>,
    #[serde(flatten)]
    found: Option<Found>,
}

/// What a file without mistakes says.
#[derive(Serialize)]
struct Found {
    policy: &'static str,
    drop: &'static str,
    interfaces: Vec<String>,
    trusted: Prefixes,
    denied: Prefixes,
    retired: Prefixes,
    sources: Vec<SourceRow>,
}

/// How many prefixes a list has without those of sources.
#[derive(Default, Serialize)]
struct Prefixes {
    v4: usize,
    v6: usize,
}

#[derive(Serialize)]
struct SourceRow {
    name: String,
    list: &'static str,
    from: &'static str,
    /// How many prefixes are there before it has been asked for the first time.
    built_in: usize,
}

fn check(file: &Path, json: bool, output: &mut Output) -> anyhow::Result<ExitCode> {
    let mut document = CheckDocument {
        schema: SCHEMA,
        file: file.to_owned(),
        ok: false,
        mistakes: Vec::new(),
        warnings: Vec::new(),
        found: None,
    };
    match Config::read_file(file) {
        Ok((config, exposed)) => {
            if let Some(exposed) = exposed {
                let what = format!("the configuration {} can be changed by {exposed}", file.display());
                document.warnings.push(what);
            }
            let lists = read_lists(&config, &mut document);
            warn(&config, &lists, &mut document.warnings);
            document.found = Some(found(&config, &lists));
        }
        Err(errors) => document.mistakes = errors.iter().map(Error::to_string).collect(),
    }
    document.ok = document.mistakes.is_empty();
    if json {
        output.json(&document)?;
    } else {
        document.warnings.iter().for_each(output::warning);
        document.mistakes.iter().for_each(output::mistake);
        if let (true, Some(found)) = (document.ok, &document.found) {
            output.text(&found.sentence(file))?;
        }
    }
    Ok(if document.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The prefixes of the file and its list files.
fn read_lists(config: &Config, document: &mut CheckDocument) -> Ranks {
    let mut ranks = Ranks::of(config);
    let saved = saved::directory_of(&config.path);
    if saved.is_symlink() && !saved.exists() {
        document.mistakes.push(format!(
            "{} leads nowhere: its lists cannot be read; mend the link, or mount what it leads to",
            saved.display()
        ));
    }
    for (action, file) in &config.files {
        let read = match list_file::read_unattended(file) {
            Ok(read) => read,
            Err(error) => {
                document.mistakes.push(error.to_string());
                continue;
            }
        };
        if let Some(exposed) = read.exposed {
            let what = format!("the list {} can be changed by {exposed}", file.display());
            document.warnings.push(what);
        }
        let place = Place::list_file(*action, file);
        for entry in read.entries {
            let outranked = ranks.take(&place, entry.prefix);
            document
                .warnings
                .extend(outranked.map(|outranked| outranked.to_string()));
        }
    }
    ranks
}

/// What is legal, and probably not meant.
fn warn(config: &Config, lists: &Ranks, warnings: &mut Vec<String>) {
    let trusts = |action: Action| action == Action::Trust;
    let is_fed = config.feeds.iter().any(|feed| trusts(feed.action));
    if config.policy == Policy::Enforce && !is_fed && !lists.iter().any(|(_, action)| trusts(action)) {
        warnings.push(
            "nobody is trusted, and the policy is enforce: nothing would be put in force, as every new connection would be dropped; trust somebody ([trust]), or observe first: policy = \"observe\"".into(),
        );
    }
    match netlink::all() {
        Ok(all) => {
            for absent in select(&all, &config.interfaces).absent {
                warnings.push(format!(
                    "no interface is called {absent} now (see: ip -brief link); it is protected when it appears"
                ));
            }
        }
        Err(error) => warnings.push(format!(
            "it could not be seen which interfaces there are: {error}"
        )),
    }
    let retired = lists.iter().filter(|(_, action)| *action == Action::Retire);
    let retired: Vec<IpNet> = retired.map(|(prefix, _)| prefix).collect();
    warnings.extend(own::retired(&retired));
    if config.tcp.contains(SSH) {
        warnings.push(format!(
            "tcp has port {SSH} in it: nobody but those who are trusted opens an SSH connection; make sure that you are, or \
             leave it out"
        ));
    }
    for feed in &config.feeds {
        let next = feed.interval + feed.jitter + feed.timeout;
        if feed.location != Location::BuiltIn && !feed.grace.is_zero() && feed.grace < next {
            warnings.push(format!(
                "source {}: a prefix that its list lacks once is gone (grace {}) before the next attempt has brought it back (up to {})",
                feed.name,
                duration::format(feed.grace),
                duration::format(next),
            ));
        }
        let (path, what) = match &feed.location {
            Location::File { path, .. } => (path.clone(), "file"),
            Location::Exec { command, .. } => {
                (command.first().map(PathBuf::from).unwrap_or_default(), "program")
            }
            Location::Https {
                ca_file: Some(path), ..
            } => (path.clone(), "file"),
            _ => continue,
        };
        if !path.exists() {
            warnings.push(format!(
                "source {}: there is no {what} {} now",
                feed.name,
                path.display()
            ));
        }
    }
}

fn found(config: &Config, lists: &Ranks) -> Found {
    let count = |action: Action| {
        let mut prefixes = Prefixes::default();
        for (prefix, _) in lists.iter().filter(|(_, of)| *of == action) {
            match prefix {
                IpNet::V4(_) => prefixes.v4 += 1,
                IpNet::V6(_) => prefixes.v6 += 1,
            }
        }
        prefixes
    };
    let source = |feed: &Feed| SourceRow {
        name: feed.name.clone(),
        list: feed.action.name(),
        from: match feed.location {
            Location::BuiltIn => "built-in",
            Location::Https { .. } => "https",
            Location::File { .. } => "file",
            Location::DnsTxt { .. } => "dns-txt",
            Location::Exec { .. } => "exec",
        },
        built_in: feed.built_in.len(),
    };
    let pattern = |pattern: &InterfacePattern| pattern.0.as_str().to_owned();
    Found {
        policy: config.policy.name(),
        drop: drop_level_name(config.drop),
        interfaces: config.interfaces.iter().map(pattern).collect(),
        trusted: count(Action::Trust),
        denied: count(Action::Deny),
        retired: count(Action::Retire),
        sources: config.feeds.iter().map(source).collect(),
    }
}

impl Found {
    fn sentence(&self, file: &Path) -> String {
        let sum = |prefixes: &Prefixes| prefixes.v4 + prefixes.v6;
        let sources: Vec<String> = self
            .sources
            .iter()
            .map(|source| format!("{} ({}, {})", source.name, source.list, source.from))
            .collect();
        let sources = if sources.is_empty() {
            "none".to_owned()
        } else {
            sources.join(", ")
        };
        format!(
            "{} is fine: {}, drop {}, on {}\n\
             prefixes {} trusted, {} denied, {} retired; sources {sources}\n",
            file.display(),
            self.policy,
            self.drop,
            self.interfaces.join(", "),
            sum(&self.trusted),
            sum(&self.denied),
            sum(&self.retired),
        )
    }
}

#[derive(Serialize)]
struct ShowDocument {
    schema: u32,
    file: PathBuf,
    config: serde_json::Value,
    /// Of each source, the prefixes that are built in.
    built_in: BTreeMap<String, Vec<IpNet>>,
}

fn show_file(file: &Path, json: bool, output: &mut Output) -> anyhow::Result<ExitCode> {
    let config = match Config::read_file(file) {
        Ok((config, _)) => config,
        Err(errors) => {
            errors.iter().for_each(output::mistake);
            return Ok(ExitCode::FAILURE);
        }
    };
    let shown = show::show(&config)?;
    if json {
        let built_in = config.feeds.iter().filter(|feed| !feed.built_in.is_empty());
        output.json(&ShowDocument {
            schema: SCHEMA,
            file: config.path.clone(),
            config: show::json(&config)?,
            built_in: built_in
                .map(|feed| (feed.name.clone(), feed.built_in.clone()))
                .collect(),
        })?;
    } else {
        output.text(&shown)?;
    }
    Ok(ExitCode::SUCCESS)
}

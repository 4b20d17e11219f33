//! `synwall config check`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use filter_user::{
    config::{
        contents::{Config, InterfacePattern},
        error::Error,
        ranks::{Place, Ranks},
    },
    feed::definition::{Feed, Location},
    files::{list_file, saved},
    model::{entry::Action, settings::drop_level_name},
    view::by_list::{ByList, Versions},
};
use ipnet::IpNet;
use serde::Serialize;

use super::warnings;
use crate::cli::output::{self, Output, SCHEMA};

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

/// The contents of a file without mistakes.
#[derive(Serialize)]
struct Found {
    policy: &'static str,
    drop: &'static str,
    interfaces: Vec<String>,
    /// Prefixes of each list, without those that sources bring.
    #[serde(flatten)]
    prefixes: ByList<Versions>,
    sources: Vec<SourceRow>,
}

#[derive(Serialize)]
struct SourceRow {
    name: String,
    list: &'static str,
    from: &'static str,
    /// How many prefixes it has before the first fetch.
    built_in: usize,
}

pub fn run(file: &Path, json: bool, output: &mut Output) -> anyhow::Result<ExitCode> {
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
            document.warnings.extend(warnings::of(&config, &lists));
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

/// Reads the prefixes of the configuration and its list files.
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

fn found(config: &Config, lists: &Ranks) -> Found {
    let count = |action: Action| {
        let mut prefixes = Versions::default();
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
        prefixes: ByList::new(count),
        sources: config.feeds.iter().map(source).collect(),
    }
}

impl Found {
    fn sentence(&self, file: &Path) -> String {
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
            self.prefixes.trusted.total(),
            self.prefixes.denied.total(),
            self.prefixes.retired.total(),
        )
    }
}

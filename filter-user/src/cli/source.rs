//! `synwall source`: the lists that the agent fetches.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use filter_user::{
    config::contents::{Config, DEFAULT},
    feed::{
        definition::{Feed, Location},
        error::Result,
        refresh,
        store::Store,
    },
    model::{duration, entry::NewEntry},
    text::{shown, without_secrets},
};
use serde::Serialize;

use super::{
    output::{self, Column, Output, SCHEMA, grouped},
    run::StateDir,
};

#[derive(Subcommand)]
pub enum SourceVerb {
    List(List),
    Show(Show),
    Refresh(Refresh),
}

/// Show the sources of the configuration, and how old their lists are
#[derive(Args)]
#[command(after_help = "Example: synwall source list --json")]
pub struct List {
    #[command(flatten)]
    place: Place,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Print the last good list of a source, as a list file
#[derive(Args)]
#[command(after_help = "Example: synwall source show cloudflare")]
pub struct Show {
    /// The source
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Fetch lists now; the agent puts in force what comes
#[derive(Args)]
#[command(after_help = "Example: synwall source refresh cloudflare\n\
    A list that is empty, covers far too much, or lost half of itself is refused; if it is right: --force")]
pub struct Refresh {
    /// The sources
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Take what would be refused
    #[arg(long)]
    force: bool,
    /// Say what would change, and keep nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Place {
    /// The configuration file
    #[arg(long, env = "SYNWALL_CONFIG", value_name = "FILE", default_value = DEFAULT)]
    config: PathBuf,
    #[command(flatten)]
    state: StateDir,
}

impl SourceVerb {
    pub fn run(self, output: &mut Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(output),
            Self::Show(show) => show.run(output),
            Self::Refresh(refresh) => refresh.run(),
        }
    }
}

impl Place {
    /// Opens both for reading alone; a missing state directory is a warning.
    fn look(&self) -> anyhow::Result<(Config, Store)> {
        let directory = self.state.absolute()?;
        match directory.symlink_metadata() {
            Ok(_) => self.open(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                output::warning(format_args!(
                    "there is no state directory {}: no agent has fetched anything into it; another one is named with --state-dir",
                    shown(&directory.display().to_string())
                ));
                Ok((Config::read(&self.config)?, Store::at(&directory)))
            }
            Err(error) => Err(error)
                .with_context(|| format!("cannot look into the state directory {}", directory.display())),
        }
    }

    fn open(&self) -> anyhow::Result<(Config, Store)> {
        Ok((Config::read(&self.config)?, Store::open(&self.state.absolute()?)?))
    }
}

fn find<'a>(feeds: &'a [Feed], name: &str) -> anyhow::Result<&'a Feed> {
    feeds.iter().find(|feed| feed.name == name).ok_or_else(|| {
        let known: Vec<&str> = feeds.iter().map(|feed| feed.name.as_str()).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        anyhow::anyhow!(
            "the configuration names no source '{}'; it names: {known}",
            shown(name)
        )
    })
}

#[derive(Serialize)]
struct ListDocument {
    schema: u32,
    sources: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    origin: String,
    list: &'static str,
    from: String,
    /// How many prefixes the last good list has; null if there has never been one.
    prefixes: Option<usize>,
    /// Seconds since it was fetched; null if it is built in, or the clock was wrong.
    age_seconds: Option<u64>,
}

impl Row {
    fn new(feed: &Feed, store: &Store, now: SystemTime) -> Self {
        let good = refresh::last_good(feed, store);
        let fetched = good.as_ref().and_then(|good| good.fetched);
        Self {
            name: feed.name.clone(),
            origin: feed.origin.as_str().to_owned(),
            list: feed.action.name(),
            from: place_of(feed),
            prefixes: good.map(|good| good.entries.len()),
            // The clock was wrong if the time lies in the future.
            age_seconds: fetched.and_then(|at| Some(now.duration_since(at).ok()?.as_secs())),
        }
    }

    fn cells(&self) -> [String; 6] {
        let age = |seconds| duration::format(Duration::from_secs(seconds));
        [
            self.name.clone(),
            self.origin.clone(),
            self.list.to_owned(),
            self.prefixes
                .map_or_else(|| "none yet".to_owned(), |prefixes| grouped(prefixes as u64)),
            self.age_seconds.map_or_else(|| "-".to_owned(), age),
            self.from.clone(),
        ]
    }
}

/// Where a list comes from, for people.
fn place_of(feed: &Feed) -> String {
    match &feed.location {
        Location::BuiltIn => "built in".to_owned(),
        Location::Https { url, .. } => without_secrets(url),
        Location::File { path, .. } => shown(&path.display().to_string()),
        Location::DnsTxt { name, .. } => format!("TXT {}", shown(name)),
        Location::Exec { command, .. } => shown(&command.join(" ")),
    }
}

impl List {
    fn run(&self, output: &mut Output) -> anyhow::Result<ExitCode> {
        let (config, store) = self.place.look()?;
        let now = SystemTime::now();
        let sources: Vec<Row> = config
            .feeds
            .iter()
            .map(|feed| Row::new(feed, &store, now))
            .collect();
        if self.json {
            output.json(&ListDocument {
                schema: SCHEMA,
                sources,
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let columns = [
            Column::Text("SOURCE"),
            Column::Text("ORIGIN"),
            Column::Text("LIST"),
            Column::Number("PREFIXES"),
            Column::Number("AGE"),
            Column::Text("FROM"),
        ];
        let rows: Vec<_> = sources.iter().map(Row::cells).collect();
        output.table(columns, &rows)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    fn run(&self, output: &mut Output) -> anyhow::Result<ExitCode> {
        let (config, store) = self.place.look()?;
        let feed = find(&config.feeds, &self.name)?;
        let Some(good) = refresh::last_good(feed, &store) else {
            anyhow::bail!(
                "there is no list of source {} yet; fetch it: synwall source refresh {0}",
                feed.name
            );
        };
        let line = |entry: &NewEntry| format!("{} {}\n", entry.prefix, entry.label.as_str());
        output.text(&good.entries.iter().map(line).collect::<String>())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Refresh {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let (config, store) = self.place.open()?;
        // Find a wrong name before anything is fetched.
        let feeds: Vec<&Feed> = self
            .names
            .iter()
            .map(|name| find(&config.feeds, name))
            .collect::<anyhow::Result<_>>()?;
        let mut code = ExitCode::SUCCESS;
        for feed in feeds {
            if let Err(error) = self.refresh(feed, &store) {
                output::error(&anyhow::Error::new(error).context(format!("source {}", feed.name)));
                code = ExitCode::FAILURE;
            }
        }
        Ok(code)
    }

    fn refresh(&self, feed: &Feed, store: &Store) -> Result<()> {
        let refresh::Refreshed {
            added,
            removed,
            total,
        } = if self.dry_run {
            refresh::compare(feed, store, self.force)?
        } else {
            refresh::refresh(feed, store, self.force)?
        };
        let note = if self.dry_run { " (nothing was kept)" } else { "" };
        output::note(format_args!(
            "{}: {added} added, {removed} gone, {total} in the list{note}",
            feed.name
        ));
        let whole = |entry: &&NewEntry| entry.prefix.prefix_len() == 0;
        // Only --force takes a prefix of all addresses.
        if self.force
            && !self.dry_run
            && let Some(all) = refresh::last_good(feed, store)
                .iter()
                .flat_map(|good| &good.entries)
                .find(whole)
        {
            output::warning(format_args!(
                "source {}: {} is every address of that IP version, all in the {} list from now on",
                feed.name, all.prefix, feed.action
            ));
        }
        Ok(())
    }
}

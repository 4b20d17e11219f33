//! Writes a configuration as a file, with every default.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use toml::Spanned;

use super::{
    contents::{Config, OnStop},
    error::{Error, Result},
    file::{File, Json, List, Metrics, Source, Trust, field, fields, text as value},
};
use crate::{
    feed::definition::{Feed, Format, Location},
    files::saved::SAVED,
    model::{duration, entry::Action, mode::RequestedMode, settings::drop_level_name},
    sys::error::Doing as _,
    text,
};

/// A file with the contents of `config`.
pub fn show(config: &Config) -> Result<String> {
    let mut shown = format!(
        "# What is in force with {}, defaults included.\n",
        text::line(&config.path.display().to_string())
    );
    for feed in &config.feeds {
        if !feed.built_in.is_empty() {
            let prefixes: Vec<String> = feed.built_in.iter().map(ToString::to_string).collect();
            // Writing to a String cannot fail.
            let _ = writeln!(
                shown,
                "# Source '{}' has built in: {}",
                feed.name,
                prefixes.join(", ")
            );
        }
        if let Location::DnsTxt { name, .. } = &feed.location
            && provider(feed).is_some()
        {
            let _ = writeln!(shown, "# Source '{}' is in the TXT records of {name}", feed.name);
        }
    }
    let file =
        toml::to_string_pretty(&file(config)?).doing(|| "cannot write the configuration down".into())?;
    Ok(shown + "\n" + &file)
}

/// The contents of `config` as JSON.
pub fn json(config: &Config) -> Result<serde_json::Value> {
    let what = || "cannot write the configuration down".to_owned();
    // A table leaves out keys without a value.
    let table = toml::Table::try_from(file(config)?).doing(what)?;
    Ok(serde_json::to_value(table).doing(what)?)
}

fn file(config: &Config) -> Result<File> {
    let directory = config.path.parent().unwrap_or(Path::new("/"));
    let list = |action: Action| -> Result<List> {
        let entries = config.entries.iter().filter(|(of, _)| *of == action);
        let prefixes = entries.map(|(_, entry)| {
            format!("{} {}", entry.prefix, entry.label.as_str())
                .trim_end()
                .to_owned()
        });
        let files = config.files.iter().filter(|(of, _)| *of == action);
        let files = files.filter(|(_, file)| file.parent() != Some(&directory.join(SAVED)));
        Ok(List {
            prefixes: fields(prefixes),
            files: fields(
                files
                    .map(|(_, file)| path(directory, file))
                    .collect::<Result<Vec<_>>>()?,
            ),
        })
    };
    let trust = list(Action::Trust)?;
    let mut source = BTreeMap::new();
    for feed in &config.feeds {
        source.insert(feed.name.clone(), field(section(directory, feed)?));
    }
    let xdp = match config.xdp {
        RequestedMode::Auto => "auto",
        RequestedMode::Native => "native",
        RequestedMode::Generic => "generic",
    };
    let on_stop = match config.on_stop {
        OnStop::Keep => "keep",
        OnStop::Detach => "detach",
    };
    Ok(File {
        interfaces: fields(
            config
                .interfaces
                .iter()
                .map(|pattern| pattern.0.as_str().to_owned()),
        ),
        policy: value(config.policy.name()),
        drop: value(drop_level_name(config.drop)),
        tcp: value(config.tcp.to_string()),
        udp: value(config.udp.to_string()),
        xdp: value(xdp),
        count_sources_by: value(format!(
            "{},{}",
            config.count_sources_by.v4, config.count_sources_by.v6
        )),
        on_stop: value(on_stop),
        trust: Some(Trust {
            prefixes: trust.prefixes,
            files: trust.files,
            providers: None,
        }),
        deny: Some(list(Action::Deny)?),
        retire: Some(list(Action::Retire)?),
        source,
        metrics: config.metrics.as_ref().map(|metrics| {
            field(Metrics {
                listen: value(metrics.listen.to_string()),
                prefixes: u32::try_from(metrics.prefixes).ok().map(field),
            })
        }),
    })
}

/// A path in the file: relative to the directory of the configuration if possible.
fn path(directory: &Path, path: &Path) -> Result<String> {
    let shorter = path.strip_prefix(directory).unwrap_or(path);
    let text = shorter.to_str().map(str::to_owned);
    text.ok_or_else(|| Error::File {
        file: text::line(&path.display().to_string()),
        source: std::io::Error::other("its name is not UTF-8"),
    })
}

/// The provider of a feed, if it has one.
fn provider(feed: &Feed) -> Option<&str> {
    feed.origin.as_str().strip_prefix("provider:")
}

fn section(directory: &Path, feed: &Feed) -> Result<Source> {
    let time = |time| value(duration::format(time));
    let mut section = Source {
        provider: provider(feed).and_then(value),
        interval: time(feed.interval),
        jitter: time(feed.jitter),
        timeout: time(feed.timeout),
        grace: time(feed.grace),
        ..Source::default()
    };
    // The format of a provider's list is fixed.
    let is_own = section.provider.is_none();
    if is_own {
        section.list = value(feed.action.name());
    }
    match &feed.location {
        Location::BuiltIn => {}
        Location::Https {
            url,
            ca_file,
            post,
            format,
        } => {
            section.https = value(url);
            section.ca_file = ca_file
                .as_ref()
                .map(|file| path(directory, file))
                .transpose()?
                .and_then(value);
            if is_own {
                section.post = post.clone().and_then(value);
                section.json = selections(format);
            }
        }
        Location::File { path: file, format } => {
            section.file = value(path(directory, file)?);
            section.json = selections(format);
        }
        Location::DnsTxt { name, server } => {
            if is_own {
                section.dns_txt = value(name);
            }
            section.server = server.and_then(|server| value(server.to_string()));
        }
        Location::Exec { command, format } => {
            section.exec = fields(command.iter().cloned());
            section.json = selections(format);
        }
    }
    Ok(section)
}

fn selections(format: &Format) -> super::file::Field<Vec<Spanned<Json>>> {
    let Format::Json(selections) = format else {
        return None;
    };
    let json = selections.iter().map(|selection| Json {
        pointer: value(&selection.pointer),
        member: selection.member.clone().and_then(value),
        with: selection.with.iter().cloned().collect(),
    });
    fields(json)
}

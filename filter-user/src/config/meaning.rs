//! What a configuration file means: every value checked, with the line of the first that cannot be used.

use std::{
    collections::BTreeMap,
    fmt::Display,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use filter_common::DropLevel;
use glob::Pattern;
use ipnet::IpNet;
use toml::Spanned;

use super::{
    Config, InterfacePattern, Metrics, OnStop,
    file::{self, File},
    mistake::{Mistake, Text},
};
use crate::{
    attach::Wanted,
    duration,
    entry::{Action, Label, NewEntry, Origin},
    error::shown,
    feed::{Feed, Format, From, Selection},
    list_file,
    ports::PortSet,
    provider,
    settings::Policy,
};

type Result<T> = std::result::Result<T, Mistake>;

/// Of how many prefixes metrics are shown unless told otherwise.
const PREFIXES: u32 = 1000;

/// Reads what `text` says, which stands in `file`.
pub fn read(text: &str, file: &Path) -> Result<Config> {
    let here = Text { text, file };
    let written: File = toml::from_str(text).map_err(|error| here.of_parser(&error))?;
    Reader { here }.config(written)
}

struct Reader<'a> {
    here: Text<'a>,
}

/// A word of a few.
type Words<T> = [(&'static str, T)];

impl Reader<'_> {
    fn config(&self, written: File) -> Result<Config> {
        let trust = written.trust.unwrap_or_default();
        let deny = written.deny.unwrap_or_default();
        let retire = written.retire.unwrap_or_default();
        let mut files = Vec::new();
        let mut entries = Entries::default();
        for (action, list) in [
            (Action::Trust, (&trust.prefixes, &trust.files)),
            (Action::Deny, (&deny.prefixes, &deny.files)),
            (Action::Retire, (&retire.prefixes, &retire.files)),
        ] {
            let (prefixes, names) = list;
            for prefix in prefixes {
                self.entry(action, prefix, &mut entries)?;
            }
            for name in names {
                files.push((action, self.path(name)?));
            }
        }
        let saved = Config::saved_dir_of(self.here.file);
        for action in Action::ALL {
            let path = saved.join(format!("{action}.list"));
            if path.exists() {
                files.push((action, path));
            }
        }
        files.dedup();
        Ok(Config {
            path: self.here.file.to_owned(),
            interfaces: self.interfaces(&written.interfaces)?,
            policy: self.word(
                written.policy.as_ref(),
                &[("enforce", Policy::Enforce), ("observe", Policy::Observe)],
            )?,
            drop: self.word(
                written.drop.as_ref(),
                &[
                    ("new", DropLevel::New),
                    ("unestablished", DropLevel::Unestablished),
                    ("all", DropLevel::All),
                ],
            )?,
            tcp: self.read(written.tcp.as_ref(), "80,443", str::parse::<PortSet>)?,
            udp: self.read(written.udp.as_ref(), "none", PortSet::parse_or_none)?,
            count_sources_by: self.read(written.count_sources_by.as_ref(), "24,48", str::parse)?,
            xdp: self.word(
                written.xdp.as_ref(),
                &[
                    ("auto", Wanted::Auto),
                    ("native", Wanted::Native),
                    ("generic", Wanted::Generic),
                ],
            )?,
            on_stop: self.word(
                written.on_stop.as_ref(),
                &[("keep", OnStop::Keep), ("detach", OnStop::Detach)],
            )?,
            entries: entries.all,
            files,
            feeds: self.feeds(&trust.providers, &written.source)?,
            metrics: written
                .metrics
                .as_ref()
                .map(|metrics| self.metrics(metrics))
                .transpose()?,
            text: self.here.text.to_owned(),
            exposed: None,
        })
    }

    fn mistake(&self, place: Range<usize>, reason: impl Display) -> Mistake {
        self.here.mistake(place, reason)
    }

    /// A value that is text, or its default, of which `read` makes something.
    fn read<T, E: Display>(
        &self,
        written: Option<&Spanned<String>>,
        default: &str,
        read: impl Fn(&str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        match written {
            Some(written) => read(written.get_ref()).map_err(|error| self.mistake(written.span(), error)),
            None => read(default).map_err(|error| self.mistake(0..0, error)),
        }
    }

    /// One of a few words, of which the first is the default.
    fn word<T: Copy>(&self, written: Option<&Spanned<String>>, words: &Words<T>) -> Result<T> {
        let default = words.first().map_or("", |(word, _)| *word);
        self.read(written, default, |text| {
            let found = words.iter().find(|(word, _)| *word == text);
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            found
                .map(|(_, meaning)| *meaning)
                .ok_or_else(|| format!("'{}' is none of: {}", shown(text), known.join(", ")))
        })
    }

    fn interfaces(&self, written: &Spanned<Vec<Spanned<String>>>) -> Result<Vec<InterfacePattern>> {
        if written.get_ref().is_empty() {
            let reason =
                "no interface is named; name those that traffic comes in on: interfaces = [\"eth0\"]";
            return Err(self.mistake(written.span(), reason));
        }
        let pattern = |name: &Spanned<String>| {
            let text = name.get_ref();
            let is_name =
                !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/' || c.is_control());
            let pattern = Pattern::new(text).ok().filter(|_| is_name);
            let pattern = pattern.filter(|_| text.len() < 4 * filter_common::INTERFACE_NAME_BYTES);
            let reason = || {
                format!(
                    "'{}' is neither an interface's name nor a glob (examples: eth0, eth*)",
                    shown(text)
                )
            };
            pattern
                .map(InterfacePattern)
                .ok_or_else(|| self.mistake(name.span(), reason()))
        };
        written.get_ref().iter().map(pattern).collect()
    }

    fn entry(&self, action: Action, written: &Spanned<String>, entries: &mut Entries) -> Result<()> {
        let bad = |reason: String| self.mistake(written.span(), reason);
        let text = written.get_ref();
        let read = list_file::parse(text.as_bytes(), &Origin::new("config"))
            .map_err(|line| bad(line.reason.to_string()))?;
        let [entry] = <[NewEntry; 1]>::try_from(read).map_err(|_| {
            bad(format!(
                "'{}' is not one prefix with a label or none",
                shown(text)
            ))
        })?;
        let prefix = entry.prefix;
        if prefix.prefix_len() == 0 {
            return Err(bad(format!(
                "{prefix} covers every address of that IP version, and is never taken from a file"
            )));
        }
        let key = (action == Action::Retire, prefix);
        match entries.seen.insert(key, action) {
            Some(before) if before != action => {
                return Err(bad(format!(
                    "{prefix} is a {before} entry above, and cannot be a {action} entry too"
                )));
            }
            Some(_) => return Err(bad(format!("{prefix} is there twice"))),
            None => {}
        }
        entries.all.push((action, NewEntry { saved: true, ..entry }));
        Ok(())
    }

    /// A path, from the file's directory on.
    fn path(&self, written: &Spanned<String>) -> Result<PathBuf> {
        let text = written.get_ref();
        if text.is_empty() || text == "-" || text.contains('\0') {
            return Err(self.mistake(written.span(), format!("'{}' is no path of a file", shown(text))));
        }
        let directory = self.here.file.parent().unwrap_or(Path::new("/"));
        Ok(directory.join(text))
    }

    fn feeds(
        &self,
        providers: &[Spanned<String>],
        sources: &BTreeMap<String, Spanned<file::Source>>,
    ) -> Result<Vec<Feed>> {
        let mut feeds: Vec<Feed> = Vec::new();
        for name in providers {
            let feed = provider::feed(name.get_ref()).map_err(|error| self.mistake(name.span(), error))?;
            self.add(&mut feeds, feed, name.span())?;
        }
        for (name, written) in sources {
            let feed = self.feed(name, written)?;
            self.add(&mut feeds, feed, written.span())?;
        }
        Ok(feeds)
    }

    fn add(&self, feeds: &mut Vec<Feed>, feed: Feed, place: Range<usize>) -> Result<()> {
        let same = |other: &&Feed| other.name == feed.name || other.origin == feed.origin;
        if let Some(other) = feeds.iter().find(same) {
            let reason = format!(
                "{} is there already, as {}; name it once, among the providers or as a source",
                feed.name, other.name
            );
            return Err(self.mistake(place, reason));
        }
        feeds.push(feed);
        Ok(())
    }

    fn feed(&self, name: &str, written: &Spanned<file::Source>) -> Result<Feed> {
        let (source, place) = (written.get_ref(), written.span());
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 31 || !name.chars().all(is_plain) {
            let name = shown(name);
            let reason =
                format!("'{name}' is no name of a source: small letters, digits, - and _, 31 at the most");
            return Err(self.mistake(place, reason));
        }
        let mut feed = match &source.provider {
            Some(provider) => {
                let preset = provider::feed(provider.get_ref());
                preset.map_err(|error| self.mistake(provider.span(), error))?
            }
            None => Feed {
                name: name.to_owned(),
                origin: Origin::new(&format!("source:{name}")),
                action: Action::Trust,
                label: Label::new(name).map_err(|error| self.mistake(place.clone(), error))?,
                from: From::BuiltIn,
                built_in: Vec::new(),
                interval: Duration::from_secs(3600),
                jitter: Duration::from_secs(300),
                timeout: Duration::from_secs(30),
                grace: Duration::from_secs(3600),
            },
        };
        name.clone_into(&mut feed.name);
        if let Some(list) = &source.list {
            let words = Action::ALL.map(|action| (action.name(), action));
            feed.action = self.word(Some(list), &words)?;
        }
        if let Some(label) = &source.label {
            feed.label = self.read(Some(label), "", Label::new)?;
        }
        for (time, of) in [
            (&mut feed.interval, &source.interval),
            (&mut feed.timeout, &source.timeout),
        ] {
            if of.is_some() {
                *time = self.read(of.as_ref(), "", duration::parse)?;
            }
        }
        for (time, of) in [
            (&mut feed.jitter, &source.jitter),
            (&mut feed.grace, &source.grace),
        ] {
            if of.is_some() {
                *time = self.read(of.as_ref(), "", duration::parse_or_none)?;
            }
        }
        self.bounds(&feed, source, &place)?;
        feed.from = self.from(name, source, &place, feed.from)?;
        Ok(feed)
    }

    /// Nobody's server is asked more often than it can like, and no attempt lasts until the next.
    fn bounds(&self, feed: &Feed, source: &file::Source, place: &Range<usize>) -> Result<()> {
        let at = |key: &Option<Spanned<String>>| key.as_ref().map_or(place.clone(), Spanned::span);
        let year = Duration::from_secs(366 * 24 * 3600);
        if feed.interval < Duration::from_secs(1) || feed.interval > year {
            return Err(self.mistake(at(&source.interval), "an interval is between 1s and a year"));
        }
        if feed.timeout > Duration::from_secs(600) {
            return Err(self.mistake(at(&source.timeout), "a time-out is 10m at the most"));
        }
        if feed.jitter > year || feed.grace > year {
            let place = if feed.jitter > year {
                at(&source.jitter)
            } else {
                at(&source.grace)
            };
            return Err(self.mistake(place, "that is more than a year"));
        }
        Ok(())
    }

    fn from(&self, name: &str, source: &file::Source, place: &Range<usize>, preset: From) -> Result<From> {
        let bad =
            |place: Range<usize>, reason: &str| Err(self.mistake(place, format!("source {name}: {reason}")));
        let named = [
            source.https.as_ref().map(Spanned::span),
            source.file.as_ref().map(Spanned::span),
            source.dns_txt.as_ref().map(Spanned::span),
            source.exec.as_ref().map(Spanned::span),
        ];
        let mut named = named.into_iter().flatten();
        let (first, second) = (named.next(), named.next());
        if let Some(second) = second {
            return bad(second, "of https, file, dns-txt and exec there can be one");
        }
        if first.is_none() && source.provider.is_none() {
            return bad(
                place.clone(),
                "say where it comes from: https, file, dns-txt, exec or provider",
            );
        }
        for (key, of, goes_with) in [
            (
                source.post.as_ref().map(Spanned::span),
                "post",
                source.https.is_some(),
            ),
            (
                source.ca_file.as_ref().map(Spanned::span),
                "ca-file",
                source.https.is_some() || matches!(preset, From::Https { .. }),
            ),
            (
                source.server.as_ref().map(Spanned::span),
                "server",
                source.dns_txt.is_some() || matches!(preset, From::DnsTxt { .. }),
            ),
            (
                source.json.as_ref().map(Spanned::span),
                "json",
                source.https.is_some() || source.file.is_some() || source.exec.is_some(),
            ),
        ] {
            if let Some(place) = key.filter(|_| !goes_with) {
                return bad(place, &format!("{of} does not go with where it comes from"));
            }
        }
        let format = match (&source.json, &preset) {
            (Some(json), _) => Format::Json(self.selections(json)?),
            // What a mirror or a file has is written as the provider writes it.
            (None, From::Https { format, .. }) => format.clone(),
            (None, _) => Format::Text,
        };
        let ca_file = source.ca_file.as_ref().map(|path| self.path(path)).transpose()?;
        let server = match &source.server {
            Some(server) => Some(self.read(Some(server), "", |text| {
                text.parse::<SocketAddr>().map_err(|_| {
                    format!(
                        "'{}' is no address with a port (example: 192.0.2.53:53)",
                        shown(text)
                    )
                })
            })?),
            None => None,
        };
        if let Some(url) = &source.https {
            let text = url.get_ref();
            let is_url = text.starts_with("https://")
                && text.len() > 8
                && !text.contains(|c: char| c.is_whitespace() || c.is_control());
            if !is_url {
                return bad(
                    url.span(),
                    "the address does not begin with https://, or has spaces in it",
                );
            }
            let preset_post = match &preset {
                From::Https { post, .. } => post.clone(),
                _ => None,
            };
            return Ok(From::Https {
                url: text.clone(),
                ca_file,
                post: source
                    .post
                    .as_ref()
                    .map(|post| post.get_ref().clone())
                    .or(preset_post),
                format,
            });
        }
        if let Some(path) = &source.file {
            return Ok(From::File {
                path: self.path(path)?,
                format,
            });
        }
        if let Some(dns) = &source.dns_txt {
            if dns.get_ref().is_empty() {
                return bad(dns.span(), "dns-txt is empty");
            }
            return Ok(From::DnsTxt {
                name: dns.get_ref().clone(),
                server,
            });
        }
        if let Some(exec) = &source.exec {
            let command = exec.get_ref();
            if !command.first().is_some_and(|program| program.starts_with('/')) {
                return bad(
                    exec.span(),
                    "exec begins with the absolute path of a program: [\"/usr/local/bin/list\"]",
                );
            }
            return Ok(From::Exec {
                command: command.clone(),
                format,
            });
        }
        Ok(match preset {
            From::Https {
                url,
                ca_file: preset_ca,
                post,
                format,
            } => From::Https {
                url,
                ca_file: ca_file.or(preset_ca),
                post,
                format,
            },
            From::DnsTxt { name, server: preset } => From::DnsTxt {
                name,
                server: server.or(preset),
            },
            preset => preset,
        })
    }

    fn selections(&self, written: &Spanned<Vec<file::Selection>>) -> Result<Vec<Selection>> {
        if written.get_ref().is_empty() {
            let reason = "name at least one array: json = [{ pointer = \"/addresses\" }]";
            return Err(self.mistake(written.span(), reason));
        }
        let selection = |written: &file::Selection| {
            let pointer = written.pointer.get_ref();
            if !(pointer.is_empty() || pointer.starts_with('/')) {
                let reason = format!(
                    "'{}' is no JSON pointer (RFC 6901; example: /result/cidrs)",
                    shown(pointer)
                );
                return Err(self.mistake(written.pointer.span(), reason));
            }
            Ok(Selection {
                pointer: pointer.clone(),
                member: written.member.clone(),
                with: written.with.clone().into_iter().collect(),
            })
        };
        written.get_ref().iter().map(selection).collect()
    }

    fn metrics(&self, written: &file::Metrics) -> Result<Metrics> {
        let text = written.listen.get_ref();
        let listen = text
            .parse::<SocketAddr>()
            .ok()
            .filter(|address| address.ip().is_loopback());
        let reason = || {
            format!(
                "'{}' is no loopback address with a port (example: 127.0.0.1:9436): an origin that answers on other ports can be found",
                shown(text)
            )
        };
        Ok(Metrics {
            listen: listen.ok_or_else(|| self.mistake(written.listen.span(), reason()))?,
            prefixes: written
                .prefixes
                .as_ref()
                .map_or(PREFIXES, |prefixes| *prefixes.get_ref()) as usize,
        })
    }
}

/// The entries of the file, and where they stand, so that no prefix stands twice.
#[derive(Default)]
struct Entries {
    all: Vec<(Action, NewEntry)>,
    seen: BTreeMap<(bool, IpNet), Action>,
}

//! Checks the sections `[source.NAME]`.

use std::{collections::BTreeMap, time::Duration};

use toml::Spanned;

use super::{checker::Checker, file::Source};
use crate::{
    feed::definition::{Feed, GRACE, INTERVAL, JITTER, Location, TIMEOUT},
    model::{
        duration,
        entry::{Action, Label, MAX_LABEL_BYTES, Origin},
    },
    text::shown,
};

/// The sections by name.
pub(super) type Sections = BTreeMap<String, Spanned<Source>>;

/// The shortest interval. More requests would be a burden for a server, and a program would keep a CPU busy.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest time limit. No server answers in less.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

impl Checker<'_> {
    /// Reads a section. A section with a mistake has no feed.
    pub(super) fn source(&mut self, name: &str, section: Spanned<Source>) -> Option<Feed> {
        let before = self.count();
        let feed = self.feed(name, section);
        feed.filter(|_| self.count() == before)
    }

    fn feed(&mut self, name: &str, section: Spanned<Source>) -> Option<Feed> {
        let place = section.span();
        let mut section = section.into_inner();
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if name.is_empty() || name.len() > MAX_LABEL_BYTES || !name.chars().all(is_plain) {
            self.wrong(
                &place,
                format!(
                    "source: '{}' cannot be the name of a source: letters from a to z, digits, - and _, {MAX_LABEL_BYTES} of them at the most",
                    shown(name)
                ),
            );
            return None;
        }
        let key = format!("source.{name}");
        let lists = [
            ("trust", Action::Trust),
            ("deny", Action::Deny),
            ("retire", Action::Retire),
        ];
        let action = self.word(&format!("{key}.list"), &section.list, &lists);
        let mut feed = match section.provider.take() {
            Some(provider) => self.preset(&key, name, &provider, &mut section)?,
            None => Feed {
                name: name.to_owned(),
                origin: Origin::new(&key.replacen('.', ":", 1)),
                action: Action::Trust,
                label: Label::new(name).ok()?,
                location: self.location(&key, &place, &mut section)?,
                built_in: Vec::new(),
                interval: INTERVAL,
                jitter: JITTER,
                timeout: TIMEOUT,
                grace: GRACE,
            },
        };
        self.unused(&key, &feed.location, &section);
        feed.action = action?;
        if feed.action != Action::Trust && feed.origin.as_str().starts_with("provider:") {
            let at = section.list.as_ref().map_or(place, Spanned::span);
            self.wrong(
                &at,
                format!("{key}.list: the networks of a provider can be trusted only; leave it out"),
            );
        }
        for (what, time, text, least) in [
            (
                "interval",
                &mut feed.interval,
                &section.interval,
                SHORTEST_INTERVAL,
            ),
            ("jitter", &mut feed.jitter, &section.jitter, Duration::ZERO),
            ("timeout", &mut feed.timeout, &section.timeout, SHORTEST_TIMEOUT),
            ("grace", &mut feed.grace, &section.grace, Duration::ZERO),
        ] {
            if let Some(text) = text
                && let Some(read) = self.time(&format!("{key}.{what}"), text, least)
            {
                *time = read;
            }
        }
        Some(feed)
    }

    /// A provider's list at the location that the section gives.
    fn preset(
        &mut self,
        key: &str,
        name: &str,
        provider: &Spanned<String>,
        section: &mut Source,
    ) -> Option<Feed> {
        let mut feed = self.provider(&format!("{key}.provider"), provider)?;
        feed.name = name.to_owned();
        match &mut feed.location {
            Location::Https { url, ca_file, .. } => {
                if let Some(mirror) = section.https.take() {
                    *url = self.url(key, &mirror)?;
                }
                *ca_file = self.ca_file(key, section)?;
            }
            Location::DnsTxt { server, .. } => *server = self.server(key, section)?,
            Location::BuiltIn | Location::File { .. } | Location::Exec { .. } => {}
        }
        for (what, at) in [
            ("https", section.https.as_ref().map(Spanned::span)),
            ("file", section.file.as_ref().map(Spanned::span)),
            ("dns-txt", section.dns_txt.as_ref().map(Spanned::span)),
            ("exec", section.exec.as_ref().map(Spanned::span)),
        ] {
            if let Some(at) = at {
                let what = format!(
                    "{key}.{what}: the list of provider '{}' does not come from there; leave one of the two keys out",
                    shown(provider.get_ref())
                );
                self.wrong(&at, what);
                return None;
            }
        }
        Some(feed)
    }

    /// Reports keys that have no meaning for this location.
    fn unused(&mut self, key: &str, location: &Location, section: &Source) {
        let comes = match location {
            Location::BuiltIn => "is built in",
            Location::Https { .. } => "comes from a web server",
            Location::File { .. } => "is a file",
            Location::DnsTxt { .. } => "comes from DNS",
            Location::Exec { .. } => "comes from a program",
        };
        for (what, at) in [
            ("json", section.json.as_ref().map(Spanned::span)),
            ("post", section.post.as_ref().map(Spanned::span)),
            ("ca-file", section.ca_file.as_ref().map(Spanned::span)),
            ("server", section.server.as_ref().map(Spanned::span)),
        ] {
            if let Some(at) = at {
                self.wrong(
                    &at,
                    format!("{key}.{what} has no meaning for a list that {comes}; leave it out"),
                );
            }
        }
    }

    fn time(&mut self, key: &str, text: &Spanned<String>, least: Duration) -> Option<Duration> {
        duration::parse_within(text.get_ref(), least..=duration::YEAR)
            .map_err(|error| {
                let what = format!("{key}: '{}': {error}", shown(text.get_ref()));
                self.wrong(&text.span(), what);
            })
            .ok()
    }
}

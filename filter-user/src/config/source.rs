//! The sections `[source.NAME]`: lists that somebody else keeps.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use toml::Spanned;

use super::{
    checker::Checker,
    file::{Json, Source},
    url,
};
use crate::{
    feed::definition::{Feed, Format, From, GRACE, INTERVAL, JITTER, Selection, TIMEOUT},
    model::{
        duration,
        entry::{Action, Label, MAX_LABEL_BYTES, Origin},
    },
    text::{masked, shown},
};

/// As they stand in the file.
pub(super) type Sections = BTreeMap<String, Spanned<Source>>;

/// The shortest interval: a server that is asked more often has to be protected from us, and a program keeps a processor
/// busy.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// The shortest time that an attempt gets. In less no server can answer.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

impl Checker<'_> {
    /// What a section says.
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
                from: self.from(&key, &place, &mut section)?,
                built_in: Vec::new(),
                interval: INTERVAL,
                jitter: JITTER,
                timeout: TIMEOUT,
                grace: GRACE,
            },
        };
        self.unused(&key, &feed.from, &section);
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

    /// A provider's list, with what the section changes of where it comes from.
    fn preset(
        &mut self,
        key: &str,
        name: &str,
        provider: &Spanned<String>,
        section: &mut Source,
    ) -> Option<Feed> {
        let mut feed = self.provider(&format!("{key}.provider"), provider)?;
        feed.name = name.to_owned();
        match &mut feed.from {
            From::Https { url, ca_file, .. } => {
                if let Some(mirror) = section.https.take() {
                    *url = self.url(key, &mirror)?;
                }
                *ca_file = self.ca_file(key, section)?;
            }
            From::DnsTxt { server, .. } => *server = self.server(key, section)?,
            From::BuiltIn | From::File { .. } | From::Exec { .. } => {}
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

    /// Where a list comes from: exactly one of the keys has to say it.
    fn from(&mut self, key: &str, place: &std::ops::Range<usize>, section: &mut Source) -> Option<From> {
        let given = [
            ("https", section.https.as_ref().map(Spanned::span)),
            ("file", section.file.as_ref().map(Spanned::span)),
            ("dns-txt", section.dns_txt.as_ref().map(Spanned::span)),
            ("exec", section.exec.as_ref().map(Spanned::span)),
        ];
        let given: Vec<_> = given
            .into_iter()
            .filter_map(|(what, at)| Some((what, at?)))
            .collect();
        if let [(first, one), (second, other), ..] = given.as_slice() {
            let later = if one.start < other.start { other } else { one };
            self.wrong(
                later,
                format!("{key}: both {first} and {second} say where the list comes from; leave one out"),
            );
            return None;
        }
        if let Some(url) = section.https.take() {
            return Some(From::Https {
                url: self.url(key, &url)?,
                ca_file: self.ca_file(key, section)?,
                post: section.post.take().map(Spanned::into_inner),
                format: self.format(key, section)?,
            });
        }
        if let Some(path) = section.file.take() {
            return Some(From::File {
                path: self.path(&format!("{key}.file"), &path)?,
                format: self.format(key, section)?,
            });
        }
        if let Some(name) = section.dns_txt.take() {
            return Some(From::DnsTxt {
                name: self.domain(key, &name)?,
                server: self.server(key, section)?,
            });
        }
        if let Some(command) = section.exec.take() {
            return Some(From::Exec {
                command: self.command(key, command)?,
                format: self.format(key, section)?,
            });
        }
        self.wrong(
            place,
            format!("{key} does not say where the list comes from; add one of provider, https, file, dns-txt, exec"),
        );
        None
    }

    /// Says of keys that were not taken that they have no meaning here.
    fn unused(&mut self, key: &str, from: &From, section: &Source) {
        let comes = match from {
            From::BuiltIn => "is built in",
            From::Https { .. } => "comes from a web server",
            From::File { .. } => "is a file",
            From::DnsTxt { .. } => "comes from DNS",
            From::Exec { .. } => "comes from a program",
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

    fn url(&mut self, key: &str, text: &Spanned<String>) -> Option<String> {
        let url = text.get_ref();
        let checked = url::check(url).map_err(|what| {
            let what = format!("{key}.https: '{}' {what}", masked(url));
            self.wrong(&text.span(), what);
        });
        checked.is_ok().then(|| url.clone())
    }

    /// `None` if there is something wrong with it.
    fn ca_file(&mut self, key: &str, section: &mut Source) -> Option<Option<std::path::PathBuf>> {
        match section.ca_file.take() {
            None => Some(None),
            Some(path) => self.path(&format!("{key}.ca-file"), &path).map(Some),
        }
    }

    /// Likewise.
    fn server(&mut self, key: &str, section: &mut Source) -> Option<Option<SocketAddr>> {
        let Some(text) = section.server.take() else {
            return Some(None);
        };
        match text.get_ref().parse::<SocketAddr>() {
            Ok(server) if server.port() != 0 => Some(Some(server)),
            _ => {
                let what = format!(
                    "{key}.server: '{}' is not an address and a port, such as 127.0.0.1:53 or [::1]:53",
                    shown(text.get_ref())
                );
                self.wrong(&text.span(), what);
                None
            }
        }
    }

    fn domain(&mut self, key: &str, text: &Spanned<String>) -> Option<String> {
        let name = text.get_ref();
        if url::is_domain(name) {
            return Some(name.clone());
        }
        let what = format!(
            "{key}.dns-txt: '{}' is not a domain name; write letters, digits, - and _ with dots between (what is outside ASCII in punycode): _networks.example",
            shown(name)
        );
        self.wrong(&text.span(), what);
        None
    }

    fn command(&mut self, key: &str, command: Spanned<Vec<Spanned<String>>>) -> Option<Vec<String>> {
        let place = command.span();
        let words: Vec<String> = command
            .into_inner()
            .into_iter()
            .map(Spanned::into_inner)
            .collect();
        let what = match words.first() {
            None => "is empty",
            Some(program) if !program.starts_with('/') => "does not begin with an absolute path",
            Some(_) if words.iter().any(|word| word.contains('\0')) => {
                "has a NUL in it, which no argument can have"
            }
            Some(_) => return Some(words),
        };
        self.wrong(
            &place,
            format!("{key}.exec {what}; write the program and its arguments: exec = [\"/usr/local/bin/networks\", \"--all\"]"),
        );
        None
    }

    fn format(&mut self, key: &str, section: &mut Source) -> Option<Format> {
        let Some(json) = section.json.take() else {
            return Some(Format::Text);
        };
        let place = json.span();
        let selections: Option<Vec<Selection>> = json
            .into_inner()
            .into_iter()
            .map(|one| self.selection(key, one))
            .collect();
        let selections = selections?;
        if selections.is_empty() {
            let what = format!(
                "{key}.json is empty; say where the prefixes are: json = [{{ pointer = \"/prefixes\" }}]"
            );
            self.wrong(&place, what);
            return None;
        }
        Some(Format::Json(selections))
    }

    fn selection(&mut self, key: &str, selection: Spanned<Json>) -> Option<Selection> {
        let place = selection.span();
        let Json {
            pointer,
            member,
            with,
        } = selection.into_inner();
        let Some(pointer) = pointer else {
            self.wrong(
                &place,
                format!("{key}.json: pointer is missing; say which array is meant: pointer = \"/prefixes\""),
            );
            return None;
        };
        if !is_pointer(pointer.get_ref()) {
            let what = format!(
                "{key}.json: '{}' is not a JSON pointer: write /NAME/NAME (in names, ~ as ~0 and / as ~1)",
                shown(pointer.get_ref())
            );
            self.wrong(&pointer.span(), what);
            return None;
        }
        if member.is_none() && !with.is_empty() {
            self.wrong(
                &place,
                format!(
                    "{key}.json: with is there, but not the member that is the prefix; add member = \"NAME\""
                ),
            );
            return None;
        }
        Some(Selection {
            pointer: pointer.into_inner(),
            member: member.map(Spanned::into_inner),
            with: with.into_iter().collect(),
        })
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

/// Whether a text is a JSON pointer (RFC 6901, section 3).
fn is_pointer(text: &str) -> bool {
    let escapes_well = |name: &str| name.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.is_empty() || text.strip_prefix('/').is_some_and(escapes_well)
}

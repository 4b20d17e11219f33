//! Reads where the list of a section `[source.NAME]` is, and its format.

use std::net::SocketAddr;

use toml::Spanned;

use super::{
    checker::Checker,
    file::{Json, Source},
    url,
};
use crate::{
    feed::definition::{Format, Location, Selection},
    text::{masked, shown},
};

impl Checker<'_> {
    /// Reads where a list is. Exactly one key must say it.
    pub(super) fn location(
        &mut self,
        key: &str,
        place: &std::ops::Range<usize>,
        section: &mut Source,
    ) -> Option<Location> {
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
            return Some(Location::Https {
                url: self.url(key, &url)?,
                ca_file: self.ca_file(key, section)?,
                post: section.post.take().map(Spanned::into_inner),
                format: self.format(key, section)?,
            });
        }
        if let Some(path) = section.file.take() {
            return Some(Location::File {
                path: self.path(&format!("{key}.file"), &path)?,
                format: self.format(key, section)?,
            });
        }
        if let Some(name) = section.dns_txt.take() {
            return Some(Location::DnsTxt {
                name: self.domain(key, &name)?,
                server: self.server(key, section)?,
            });
        }
        if let Some(command) = section.exec.take() {
            return Some(Location::Exec {
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

    pub(super) fn url(&mut self, key: &str, text: &Spanned<String>) -> Option<String> {
        let url = text.get_ref();
        let checked = url::check(url).map_err(|what| {
            let what = format!("{key}.https: '{}' {what}", masked(url));
            self.wrong(&text.span(), what);
        });
        checked.is_ok().then(|| url.clone())
    }

    /// `None` after a mistake, `Some(None)` without the key.
    pub(super) fn ca_file(&mut self, key: &str, section: &mut Source) -> Option<Option<std::path::PathBuf>> {
        match section.ca_file.take() {
            None => Some(None),
            Some(path) => self.path(&format!("{key}.ca-file"), &path).map(Some),
        }
    }

    /// `None` after a mistake, `Some(None)` without the key.
    pub(super) fn server(&mut self, key: &str, section: &mut Source) -> Option<Option<SocketAddr>> {
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
}

/// Whether a text is a JSON pointer (RFC 6901, section 3).
fn is_pointer(text: &str) -> bool {
    let escapes_well = |name: &str| name.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.is_empty() || text.strip_prefix('/').is_some_and(escapes_well)
}

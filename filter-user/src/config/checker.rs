//! What all checks of a configuration share: where mistakes are noted, and how words, paths and providers are read.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use toml::Spanned;

use super::{file::Text, mistake::meant};
use crate::{
    feed::{definition::Feed, provider},
    text::shown,
};

/// Collects what is wrong.
pub(super) struct Checker<'a> {
    pub(super) directory: &'a Path,
    pub(super) mistakes: Vec<(usize, String)>,
}

impl Checker<'_> {
    /// Notes what is wrong at a place.
    pub(super) fn wrong(&mut self, at: &Range<usize>, what: impl Into<String>) {
        self.mistakes.push((at.start, what.into()));
    }

    /// How much is wrong so far.
    pub(super) fn count(&self) -> usize {
        self.mistakes.len()
    }

    /// One of several words; the first of them where none is given.
    pub(super) fn word<T: Copy>(&mut self, key: &str, text: &Text, words: &[(&str, T)]) -> Option<T> {
        let Some(text) = text else {
            return words.first().map(|(_, value)| *value);
        };
        let wanted = text.get_ref().as_str();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == wanted) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let meant = meant(wanted, &known);
        self.wrong(
            &text.span(),
            format!(
                "{key}: '{}' is none of {}{meant}",
                shown(wanted),
                known.join(", ")
            ),
        );
        None
    }

    /// What a text stands for.
    pub(super) fn read<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        text: &Text,
        default: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let (text, span) = match text {
            Some(text) => (text.get_ref().as_str(), text.span()),
            None => (default, 0..0),
        };
        parse(text)
            .map_err(|error| self.wrong(&span, format!("{key}: {error}")))
            .ok()
    }

    /// A path, from the directory of the file on.
    pub(super) fn path(&mut self, key: &str, text: &Spanned<String>) -> Option<PathBuf> {
        let path = text.get_ref();
        if path.is_empty() || path.contains('\0') {
            self.wrong(&text.span(), format!("{key}: '{}' is not a path", shown(path)));
            return None;
        }
        // Parts such as `./` would make two of one.
        Some(self.directory.join(path).components().collect())
    }

    /// The list of a provider.
    pub(super) fn provider(&mut self, key: &str, name: &Spanned<String>) -> Option<Feed> {
        let feed = provider::feed(name.get_ref());
        feed.map_err(|error| {
            let meant = meant(name.get_ref(), &provider::names());
            self.wrong(&name.span(), format!("{key}: {error}{meant}"));
        })
        .ok()
    }
}

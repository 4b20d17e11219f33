//! Shared by all checks of the configuration: the list of mistakes, and how words, paths and providers are read.

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

/// Collects the mistakes.
pub(super) struct Checker<'a> {
    pub(super) directory: &'a Path,
    pub(super) mistakes: Vec<(usize, String)>,
}

impl Checker<'_> {
    /// Records a mistake at a place of the text.
    pub(super) fn wrong(&mut self, at: &Range<usize>, what: impl Into<String>) {
        self.mistakes.push((at.start, what.into()));
    }

    /// The number of mistakes so far.
    pub(super) fn count(&self) -> usize {
        self.mistakes.len()
    }

    /// Reads one of several words. The first is the default.
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

    /// Parses a value, or the default if the key is missing.
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

    /// Reads a path. A relative path starts at the directory of the configuration file.
    pub(super) fn path(&mut self, key: &str, text: &Spanned<String>) -> Option<PathBuf> {
        let path = text.get_ref();
        if path.is_empty() || path.contains('\0') {
            self.wrong(&text.span(), format!("{key}: '{}' is not a path", shown(path)));
            return None;
        }
        // Without parts such as `./`, equal files have equal paths.
        Some(self.directory.join(path).components().collect())
    }

    /// Looks up the list of a provider.
    pub(super) fn provider(&mut self, key: &str, name: &Spanned<String>) -> Option<Feed> {
        let feed = provider::feed(name.get_ref());
        feed.map_err(|error| {
            let meant = meant(name.get_ref(), &provider::names());
            self.wrong(&name.span(), format!("{key}: {error}{meant}"));
        })
        .ok()
    }
}

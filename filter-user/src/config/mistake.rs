//! A mistake in a configuration file: where, what, and what was probably meant.

use std::{fmt, ops::Range, path::Path};

use crate::error::shown;

/// A mistake in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The line, from 1; none where it is the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A text with a mistake in it.
pub(super) struct Text<'a> {
    pub text: &'a str,
    pub file: &'a Path,
}

impl Text<'_> {
    /// A mistake at a place.
    pub fn mistake(&self, place: Range<usize>, reason: impl fmt::Display) -> Mistake {
        Mistake {
            file: name(self.file),
            line: Some(line(self.text, place.start)),
            reason: format!("{}{reason}", self.key(place.start)),
        }
    }

    /// The key of the line at a place, if there is one before it.
    fn key(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        let is_key = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if is_key { format!("{key}: ") } else { String::new() }
    }

    /// What the parser has to say.
    pub fn of_parser(&self, error: &toml::de::Error) -> Mistake {
        Mistake {
            file: name(self.file),
            line: error.span().map(|span| line(self.text, span.start)),
            reason: match error.span() {
                // The parser points at the key itself.
                Some(span) if error.message() == "duplicate key" => {
                    let key = self.text.get(span).unwrap_or_default();
                    format!("the key '{}' is there twice", shown(key))
                }
                Some(span) => format!("{}{}", self.key(span.start), said(error.message())),
                None => said(error.message()),
            },
        }
    }
}

/// A file's name on one line.
pub(super) fn name(file: &Path) -> String {
    file.display().to_string().replace('\n', "\\n")
}

fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// The parser's words on one line, those about an unknown key with the key that was probably meant.
fn said(message: &str) -> String {
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| {
        let (key, known) = rest.split_once('`')?;
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        Some((key, known))
    });
    let Some((key, known)) = unknown else {
        return message.lines().collect::<Vec<_>>().join("; ");
    };
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let meant = nearest.map_or(String::new(), |(_, candidate)| {
        format!("; '{candidate}' was probably meant")
    });
    format!(
        "unknown key '{}'{meant}; known here: {}",
        shown(key),
        known.join(", ")
    )
}

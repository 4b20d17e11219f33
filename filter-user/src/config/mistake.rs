//! Mistakes in a configuration file: where they are, what is wrong, what to do.

use std::{fmt, path::Path};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::{file::File, reference};
use crate::{entry::disturbs_terminals, error::shown};

/// Characters of what a message says, at the most: a file can have lines of any length.
const CHARS: usize = 400;

/// What is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Mistake {
    /// One that begins at that byte of the text.
    pub(super) fn new(path: &Path, text: &str, at: usize, what: &str) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        Self {
            file: clean(&path.display().to_string()),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            what: clean(what),
        }
    }
}

/// Text on one line of a bounded length, without what a terminal would obey.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::new();
    for (number, c) in text.chars().enumerate() {
        if number == CHARS {
            cleaned.push('…');
            break;
        }
        if disturbs_terminals(c) {
            cleaned.extend(c.escape_debug());
        } else {
            cleaned.push(c);
        }
    }
    cleaned
}

/// Reads the text of a configuration file. What comes back otherwise is the first byte that is wrong, and why.
pub(super) fn read(text: &str) -> Result<File, (usize, String)> {
    let table = DeTable::parse(text).map_err(|error| {
        let what = error.message().replace('\n', ", ");
        let at = error.span().map_or(0, |span| span.start);
        (at, format!("this is not TOML: {what}{}", hint(text, at)))
    })?;
    let read = File::deserialize(toml::Deserializer::from(table.clone()));
    read.map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (at, explain(error.message(), &path_at(table.get_ref(), at)))
    })
}

/// What is often meant where a line is not TOML.
fn hint(text: &str, at: usize) -> &'static str {
    let line = text.get(..at).and_then(|before| before.rsplit('\n').next());
    if line.is_some_and(|line| line.trim_end().ends_with('=')) {
        "; texts stand in quotes: key = \"value\""
    } else {
        ""
    }
}

/// The keys that lead to the value or the key at a byte.
fn path_at(table: &DeTable<'_>, at: usize) -> Vec<String> {
    for (key, value) in table {
        let name = || key.get_ref().to_string();
        if let DeValue::Table(inner) = value.get_ref() {
            let mut path = path_at(inner, at);
            if !path.is_empty() {
                path.insert(0, name());
                return path;
            }
        }
        if key.span().contains(&at) || value.span().contains(&at) {
            return vec![name()];
        }
    }
    Vec::new()
}

/// What the library says, in our words.
fn explain(message: &str, path: &[String]) -> String {
    let key = shown(&path.join("."));
    if let Some((_, known)) = message
        .strip_prefix("unknown field")
        .and_then(|rest| rest.rsplit_once(", expected "))
    {
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let wrong = path.last().map_or("", String::as_str);
        let place = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
        let place = match place {
            [] => String::new(),
            place => format!(" in [{}]", shown(&place.join("."))),
        };
        return format!(
            "'{}' is not a key{place}{}; known: {}",
            shown(wrong),
            meant(wrong, &known),
            known.join(", ")
        );
    }
    if let Some((found, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.rsplit_once(", expected "))
    {
        let expected = match expected {
            "a string" => "text in quotes",
            "a sequence" => "a list in brackets",
            other if other.starts_with("struct ") => "a section",
            other => other,
        };
        let example = match reference::example(path) {
            Some(example) => format!("; example: {example}"),
            None => String::new(),
        };
        return format!("{key}: {} stands where {expected} belongs{example}", shown(found));
    }
    if key.is_empty() {
        message.to_owned()
    } else {
        format!("{key}: {message}")
    }
}

/// The one of the known words that was probably meant.
pub(super) fn meant(wrong: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|word| (distance(wrong, word), word)).min();
    match nearest {
        Some((distance, word)) if distance <= word.len().div_ceil(3) => format!("; did you mean '{word}'?"),
        _ => String::new(),
    }
}

/// How many characters have to be put in, left out, changed, or swapped with the next one, to make one word of another.
fn distance(from: &str, to: &str) -> usize {
    const LONGEST: usize = 32;
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(LONGEST).collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                let shortest = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let is_swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
                if is_swapped {
                    shortest.min(rows[i - 2][j - 2] + 1)
                } else {
                    shortest
                }
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_far_apart_as_it_takes_slips_to_make_one_of_the_other() {
        for (from, to, expected) in [
            ("policy", "policy", 0),
            ("polcy", "policy", 1),
            ("poilcy", "policy", 1),
            ("police", "policy", 1),
            ("", "tcp", 3),
            ("x", "", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
        assert_eq!(meant("polcy", &["policy", "drop"]), "; did you mean 'policy'?");
        assert_eq!(meant("something", &["policy", "drop"]), "");
    }

    #[test]
    fn a_message_is_one_line_that_no_terminal_obeys() {
        let mistake = Mistake::new(
            Path::new("a\nb"),
            "\n\n",
            1,
            &format!("\u{1b}[2J{}", "x".repeat(1000)),
        );
        assert_eq!(mistake.file, "a\\nb");
        assert_eq!(mistake.line, 2);
        assert!(mistake.what.starts_with("\\u{1b}[2J") && mistake.what.len() < 500);
    }
}

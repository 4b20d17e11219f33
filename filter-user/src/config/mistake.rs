//! Mistakes in a configuration file: the place, what is wrong, and what to do.

use std::{fmt, path::Path};

use serde_path_to_error::Segment;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{file::File, reference};
use crate::text::{self, shown};

/// A mistake in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Mistake {
    /// A mistake at a byte of the text.
    pub(super) fn new(path: &Path, text: &str, at: usize, what: &str) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        Self {
            file: text::line(&path.display().to_string()),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            what: text::line(what),
        }
    }
}

/// Deserialises the text of a configuration file. The error is the offset of the first mistake, and the message.
pub(super) fn read(text: &str) -> Result<File, (usize, String)> {
    let table = DeTable::parse(text).map_err(|error| {
        let what = error.message().replace('\n', ", ");
        let span = error.span().unwrap_or_default();
        let at = span.start;
        let key = text
            .get(span)
            .filter(|_| what == "duplicate key")
            .unwrap_or_default();
        let hint = HINTS.iter().find(|(message, _)| what.contains(message));
        let hint = hint.map_or("", |(_, hint)| hint);
        if key.is_empty() {
            (at, format!("this is not TOML: {what}{hint}"))
        } else {
            (at, format!("'{}' is there twice; leave one out", shown(key)))
        }
    })?;
    check_sections(table.get_ref())?;
    let read = serde_path_to_error::deserialize(toml::Deserializer::from(table));
    read.map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        let at = error.inner().span().map_or(0, |span| span.start);
        (at, explain(error.inner().message(), &keys_on(error.path())))
    })
}

/// Advice for messages of the library.
const HINTS: [(&str, &str); 4] = [
    (
        "carriage return must be followed by newline",
        "; end lines as Unix does (LF), or Windows (CR LF)",
    ),
    ("key with no value", "; write key = value"),
    (
        "unclosed array",
        "; close it, and have a comma between two values",
    ),
    ("must be quoted", ": key = \"value\""),
];

/// Refuses a list in the place of a section. The library would take its elements for the keys, in order.
fn check_sections(table: &DeTable<'_>) -> Result<(), (usize, String)> {
    for (key, value) in table {
        let key = key.get_ref().as_ref();
        if !["trust", "deny", "retire", "source", "metrics"].contains(&key) {
            continue;
        }
        check_section(value, key, &format!("[{key}]"))?;
        if let ("source", DeValue::Table(sources)) = (key, value.get_ref()) {
            for (name, source) in sources {
                let name = name.get_ref();
                let is_key =
                    reference::example(&["source".into(), "NAME".into(), name.to_string()]).is_some();
                let name = shown(name);
                if is_key && !source.get_ref().is_table() {
                    let what = format!("source.{name}: name the source: [source.NAME]");
                    return Err((source.span().start, what));
                }
                check_section(source, &format!("source.{name}"), &format!("[source.{name}]"))?;
                let json = source.get_ref().as_table().and_then(|source| source.get("json"));
                for selection in json
                    .and_then(|json| json.get_ref().as_array())
                    .into_iter()
                    .flatten()
                {
                    check_section(
                        selection,
                        &format!("source.{name}.json"),
                        "{ pointer = \"/prefixes\" }",
                    )?;
                }
            }
        }
    }
    Ok(())
}

fn check_section(value: &Spanned<DeValue<'_>>, key: &str, section: &str) -> Result<(), (usize, String)> {
    if value.get_ref().is_table() {
        return Ok(());
    }
    let what = format!(
        "{key}: {} stands where a section belongs; write: {section}",
        value.get_ref().type_str()
    );
    Err((value.span().start, what))
}

/// The prefix of the keys that [`Spanned`] adds around each value in serde's data model.
const KEYS_OF_SPANNED: &str = "$__serde_spanned_private_";

/// The keys of the file that lead to the mistake.
fn keys_on(path: &serde_path_to_error::Path) -> Vec<String> {
    let keys = path.iter().filter_map(|segment| match segment {
        Segment::Map { key } if !key.starts_with(KEYS_OF_SPANNED) => Some(key.clone()),
        _ => None,
    });
    keys.collect()
}

/// Words the library's message for users.
fn explain(message: &str, path: &[String]) -> String {
    let key = shown(&path.join("."));
    if let Some((_, known)) = split(message, "unknown field ") {
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let (wrong, place) = path.split_last().map_or(("", String::new()), |(wrong, place)| {
            (
                wrong.as_str(),
                if place.is_empty() {
                    String::new()
                } else {
                    format!(" in [{}]", shown(&place.join(".")))
                },
            )
        });
        let is_of_the_top = !place.is_empty() && reference::example(&[wrong.to_owned()]).is_some();
        let meant = if is_of_the_top {
            "; it belongs above the first [section]".to_owned()
        } else {
            meant(wrong, &known)
        };
        return format!(
            "'{}' is not a key{place}{meant}; known: {}",
            shown(wrong),
            known.join(", ")
        );
    }
    if let Some((found, expected)) =
        split(message, "invalid type: ").or_else(|| split(message, "invalid value: "))
    {
        let expected = match expected {
            "a string" => "text in quotes",
            "a sequence" => "a list in brackets",
            "u32" => "a whole number from 0 to 4294967295",
            "a map" => "a table in braces",
            other => other,
        };
        let found = match found {
            "sequence" => "list",
            "map" => "table",
            other => other,
        };
        let example =
            reference::example(path).map_or(String::new(), |example| format!("; example: {example}"));
        let found: String = found.chars().take(60).collect();
        return format!("{key}: {found} stands where {expected} belongs{example}");
    }
    if key.is_empty() {
        message.to_owned()
    } else {
        format!("{key}: {message}")
    }
}

/// Splits a message into what was found and what was expected.
fn split<'a>(message: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(kind)?.rsplit_once(", expected ")
}

/// A suggestion: the known word that is most similar to the wrong one.
pub(super) fn meant(wrong: &str, known: &[&str]) -> String {
    // A much longer text is no slip, and would take long to compare.
    let wrong: String = wrong.chars().take(32).collect();
    let apart = |word: &str| strsim::osa_distance(&wrong, word);
    let nearest = known.iter().map(|word| (apart(word), word)).min();
    match nearest {
        Some((distance, word)) if distance <= word.len().div_ceil(3) => format!("; did you mean '{word}'?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_was_meant_is_a_slip_or_two_away() {
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

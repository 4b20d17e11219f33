//! The lines of a list file: one prefix on each, IPv4 or IPv6, an optional label behind it. `#` starts a comment.

use std::{collections::HashSet, fmt};

use ipnet::IpNet;

use crate::{
    model::{
        entry::{Label, MAX_LABEL_BYTES, NewEntry, Origin},
        prefix::{self, BadPrefix},
    },
    text::shown,
};

/// A line that cannot be read.
#[derive(Debug)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// The line, cut to fit on a console.
    pub text: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its first word is not a prefix.
    Prefix(BadPrefix),
    /// An earlier line has the prefix with another label.
    Twice(IpNet),
    /// The label is too long, or could change what a terminal shows.
    Label(String),
    /// There is a second prefix on the line.
    Second(String),
    /// It is not UTF-8.
    NotUtf8,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(bad) => write!(f, "{bad}"),
            Self::Twice(prefix) => write!(f, "{prefix} is there twice, with different labels"),
            Self::Label(label) if label.len() > MAX_LABEL_BYTES => write!(
                f,
                "the label '{}' is longer than {MAX_LABEL_BYTES} bytes; shorten it",
                shown(label)
            ),
            Self::Label(label) => write!(
                f,
                "the label '{}' has a control character; leave that out",
                shown(label)
            ),
            Self::Second(second) => write!(
                f,
                "{} is a second prefix: each goes on a line of its own",
                shown(second)
            ),
            Self::NotUtf8 => write!(f, "the line is not UTF-8 text"),
        }
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} (line: {:?}); the whole list was left alone",
            self.number, self.reason, self.text
        )
    }
}

/// The number of the first line with this prefix, from 1.
pub fn number_of(prefix: IpNet, bytes: &[u8]) -> usize {
    let has_it = |text: &[u8]| line(text).is_ok_and(|line| line.is_some_and(|(there, _)| there == prefix));
    1 + lines(bytes).take_while(|text| !has_it(text)).count()
}

/// Reads a list. Equal lines are one entry. The result is sorted by prefix.
pub fn parse(bytes: &[u8], origin: &Origin) -> Result<Vec<NewEntry>, BadLine> {
    let mut labels = Labels::default();
    let mut entries = Vec::new();
    let mut bad = None;
    for (number, line) in lines(bytes).enumerate() {
        match parse_line(line, &mut labels) {
            Ok(None) => {}
            Ok(Some((prefix, label))) => entries.push(Line {
                number,
                prefix,
                label,
            }),
            Err(reason) => {
                bad = Some((number, reason));
                break;
            }
        }
    }
    // The message names the first bad line. This may be a line that contradicts an earlier one.
    if let Some((number, reason)) = sort(&mut entries).or(bad) {
        let line = lines(bytes).nth(number).unwrap_or_default();
        return Err(BadLine {
            number: number + 1,
            text: String::from_utf8_lossy(line)
                .trim_end()
                .chars()
                .take(80)
                .collect(),
            reason,
        });
    }
    let entry = |line: Line| NewEntry {
        prefix: line.prefix,
        label: line.label,
        origin: origin.clone(),
        expires_ns: None,
        saved: false,
    };
    Ok(entries.into_iter().map(entry).collect())
}

/// The lines of a list, without the byte order mark that some editors write.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    bytes.split(|byte| *byte == b'\n')
}

/// The entry on a line, and the number of the line from 0.
struct Line {
    number: usize,
    prefix: IpNet,
    label: Label,
}

/// Labels seen so far, so that entries with equal labels share one. Neighbouring lines mostly have the same label.
#[derive(Default)]
struct Labels {
    last: Label,
    all: HashSet<Label>,
}

impl Labels {
    fn get(&mut self, text: &str) -> Result<Label, Reason> {
        if text != self.last.as_str() {
            let label = Label::new(text).map_err(|_| Reason::Label(text.to_owned()))?;
            self.last = self.all.get(&label).cloned().unwrap_or(label);
            self.all.insert(self.last.clone());
        }
        Ok(self.last.clone())
    }
}

/// Reads one line. A line with nothing but a comment has no entry.
pub fn line(text: &[u8]) -> Result<Option<(IpNet, Label)>, Reason> {
    parse_line(text, &mut Labels::default())
}

fn parse_line(line: &[u8], labels: &mut Labels) -> Result<Option<(IpNet, Label)>, Reason> {
    let line = std::str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
    let line = line.split('#').next().unwrap_or_default().trim();
    if line.is_empty() {
        return Ok(None);
    }
    let (first, label) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let prefix = prefix::parse(first).map_err(Reason::Prefix)?;
    let label = label.trim();
    // As a label, it would be dropped although the file seems to trust it.
    let second = label
        .split(|c: char| c == ',' || c.is_whitespace())
        .find(|word| !word.is_empty());
    if let Some(second) = second.filter(|second| second.contains(['.', ':']) && prefix::parse(second).is_ok())
    {
        return Err(Reason::Second(second.to_owned()));
    }
    Ok(Some((prefix, labels.get(label)?)))
}

/// Sorts by prefix, and leaves one line for each prefix. Returns the first line that has another label than an earlier
/// line for its prefix.
fn sort(lines: &mut Vec<Line>) -> Option<(usize, Reason)> {
    if lines.is_sorted_by(|a, b| a.prefix < b.prefix) {
        return None;
    }
    lines.sort_unstable_by_key(|line| (line.prefix, line.number));
    let mut contradiction: Option<(usize, Reason)> = None;
    lines.dedup_by(|line, first| {
        if line.prefix != first.prefix {
            return false;
        }
        if line.label != first.label
            && contradiction
                .as_ref()
                .is_none_or(|(number, _)| line.number < *number)
        {
            contradiction = Some((line.number, Reason::Twice(line.prefix)));
        }
        true
    });
    contradiction
}

#[cfg(test)]
mod tests;

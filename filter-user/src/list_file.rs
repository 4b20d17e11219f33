//! Prefix list files: a prefix a line, IPv4 and IPv6 mixed, `#` starts a comment, an optional label
//! after the prefix.

use std::{fmt, fs, io, io::Read as _};

use ipnet::IpNet;

use crate::{
    Error, Result,
    entry::{Label, NewEntry, Origin},
    prefix::{self, BadPrefix},
};

/// A line that cannot be used.
#[derive(Debug)]
pub struct BadLine {
    /// Its number, from 1.
    pub number: usize,
    /// The line, cut to a length that fits on a console.
    pub text: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its first word is no prefix.
    Prefix(BadPrefix),
    /// The prefix has been there before, with another label.
    Twice(IpNet),
    /// The label does not fit.
    Label,
    /// Not text.
    NotUtf8,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.number)?;
        match &self.reason {
            Reason::Prefix(bad) => write!(f, "{bad}")?,
            Reason::Twice(prefix) => write!(f, "{prefix} is there twice, with different labels")?,
            Reason::Label => write!(f, "the label is too long or has a control character")?,
            Reason::NotUtf8 => write!(f, "the line is not UTF-8 text")?,
        }
        write!(f, " (line: {:?}); the whole list was left alone", self.text)
    }
}

/// Reads the list in `file`, or from standard input where `file` is `-`.
pub fn read(file: &str) -> Result<Vec<NewEntry>> {
    let mut bytes = Vec::new();
    let (result, origin) = if file == "-" {
        (
            io::stdin().lock().read_to_end(&mut bytes).map(drop),
            Origin::new("file:stdin"),
        )
    } else {
        let path = fs::canonicalize(file).map_or_else(|_| file.to_owned(), |path| path.display().to_string());
        (
            fs::read(file).map(|read| bytes = read),
            Origin::new(&format!("file:{path}")),
        )
    };
    result.map_err(|source| Error::ListFile {
        file: file.to_owned(),
        source,
    })?;
    parse(&bytes, &origin).map_err(|line| Error::ListLine {
        file: file.to_owned(),
        line,
    })
}

/// Reads a list. A prefix that is there twice is taken once.
pub fn parse(bytes: &[u8], origin: &Origin) -> Result<Vec<NewEntry>, BadLine> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut entries: Vec<NewEntry> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let bad = |reason| BadLine {
            number: index + 1,
            text: String::from_utf8_lossy(line)
                .trim_end()
                .chars()
                .take(80)
                .collect(),
            reason,
        };
        let line = std::str::from_utf8(line).map_err(|_| bad(Reason::NotUtf8))?;
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (first, label) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let prefix = prefix::parse(first).map_err(|error| bad(Reason::Prefix(error)))?;
        let label = Label::new(label.trim()).map_err(|_| bad(Reason::Label))?;
        match seen.insert(prefix, entries.len()) {
            None => entries.push(NewEntry {
                prefix,
                label,
                origin: origin.clone(),
                expires_ns: None,
            }),
            Some(before) if entries[before].label == label => {
                seen.insert(prefix, before);
            }
            Some(_) => return Err(bad(Reason::Twice(prefix))),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Vec<(String, String)>, String> {
        parse(text.as_bytes(), &Origin::new("file:test"))
            .map(|entries| {
                entries
                    .iter()
                    .map(|e| (e.prefix.to_string(), e.label.as_str().to_owned()))
                    .collect()
            })
            .map_err(|line| line.to_string())
    }

    #[test]
    fn comments_labels_and_both_versions() {
        let text =
            "\u{feff}# office\r\n185.94.108.0/24 qrator edge # theirs\r\n\r\n  2001:db8::/32\n192.0.2.7";
        assert_eq!(
            parse_text(text).unwrap(),
            [
                ("185.94.108.0/24".into(), "qrator edge".into()),
                ("2001:db8::/32".into(), String::new()),
                ("192.0.2.7/32".into(), String::new()),
            ]
        );
    }

    #[test]
    fn the_bad_line_is_named_with_number_and_text() {
        let error = parse_text("10.0.0.0/8\nfoo bar\n").unwrap_err();
        assert!(
            error.starts_with("2: 'foo' is not an IP address or prefix"),
            "{error}"
        );
        assert!(error.contains("\"foo bar\""), "{error}");
        let error = parse_text("10.0.0.1/8").unwrap_err();
        assert!(
            error.starts_with("1: ") && error.contains("10.0.0.0/8"),
            "{error}"
        );
    }

    #[test]
    fn the_same_line_twice_is_one_entry_but_not_with_another_label() {
        assert_eq!(parse_text("10.0.0.0/8 a\n10.0.0.0/8 a\n").unwrap().len(), 1);
        assert!(
            parse_text("10.0.0.0/8 a\n10.0.0.0/8 b\n")
                .unwrap_err()
                .starts_with("2: ")
        );
    }

    #[test]
    fn text_that_is_none_is_refused() {
        let error = parse(b"10.0.0.0/8\n\xff\xfe\n", &Origin::new("x")).unwrap_err();
        assert_eq!((error.number, error.reason), (2, Reason::NotUtf8));
    }
}

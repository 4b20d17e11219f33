//! Edits the text of a list: adds and removes entries. Every line about another prefix stays as it is.

use std::collections::HashSet;

use ipnet::IpNet;

use super::lines;
use crate::model::entry::NewEntry;

/// The line of an entry in a list file.
pub fn line(entry: &NewEntry) -> String {
    format!("{} {}", entry.prefix, entry.label.as_str())
        .trim_end()
        .to_owned()
}

/// The lines, each with its line break.
fn with_ends(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// The prefix on a line, if there is one.
fn prefix_on(line: &[u8], number: usize) -> Option<IpNet> {
    let line = if number == 0 {
        line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
    } else {
        line
    };
    Some(lines::line(line).ok()??.0)
}

/// Adds entries to a list. An entry takes the place of each line with its prefix, or gets a new line.
pub fn add(text: &[u8], entries: &[NewEntry]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len() + 64 * entries.len());
    let mut missing: Vec<&NewEntry> = entries.iter().collect();
    for (number, old) in with_ends(text).enumerate() {
        let entry =
            prefix_on(old, number).and_then(|prefix| entries.iter().find(|entry| entry.prefix == prefix));
        let Some(entry) = entry else {
            result.extend_from_slice(old);
            continue;
        };
        missing.retain(|other| other.prefix != entry.prefix);
        let label = lines::line(old).ok().flatten().map(|(_, label)| label);
        if label.as_ref() == Some(&entry.label) {
            result.extend_from_slice(old);
        } else {
            result.extend_from_slice(line(entry).as_bytes());
            result.extend_from_slice(tail(old));
        }
    }
    if !result.is_empty() && !result.ends_with(b"\n") {
        result.push(b'\n');
    }
    let mut written = HashSet::new();
    for entry in missing {
        if written.insert(entry.prefix) {
            result.extend_from_slice(line(entry).as_bytes());
            result.push(b'\n');
        }
    }
    result
}

/// The comment of a line with the spaces before it, and the line break.
fn tail(line: &[u8]) -> &[u8] {
    let is_before = |at: usize| {
        line[..at]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    };
    let end = line.iter().position(|byte| *byte == b'#').unwrap_or(line.len());
    &line[end - is_before(end)..]
}

/// Removes every line with one of the prefixes.
pub fn remove(text: &[u8], prefixes: &[IpNet]) -> Vec<u8> {
    let goes = |(number, line): &(usize, &[u8])| {
        prefix_on(line, *number).is_some_and(|prefix| prefixes.contains(&prefix))
    };
    let stays = with_ends(text).enumerate().filter(|line| !goes(line));
    stays.flat_map(|(_, line)| line).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> NewEntry {
        text.parse().unwrap()
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    const LIST: &str =
        "# office\r\n10.0.0.0/8 office # theirs\r\n\n  11.0.0.0/8\n10.0.0.0/8 office\nno prefix";

    #[test]
    fn lines_that_are_not_meant_stay_as_they_are() {
        let with = text(add(
            LIST.as_bytes(),
            &[
                entry("12.0.0.0/8=new"),
                entry("12.0.0.0/8=new"),
                entry("11.0.0.0/8"),
            ],
        ));
        assert_eq!(with, format!("{LIST}\n12.0.0.0/8 new\n"));
        assert_eq!(
            text(remove(with.as_bytes(), &[entry("12.0.0.0/8").prefix])),
            format!("{LIST}\n")
        );
    }

    #[test]
    fn a_prefix_that_is_there_takes_the_new_label_and_keeps_its_comment() {
        let with = text(add(
            LIST.as_bytes(),
            &[entry("10.0.0.0/8=home"), entry("11.0.0.0/8=b")],
        ));
        assert_eq!(
            with,
            "# office\r\n10.0.0.0/8 home # theirs\r\n\n11.0.0.0/8 b\n10.0.0.0/8 home\nno prefix\n"
        );
    }

    #[test]
    fn a_prefix_goes_with_every_line_that_it_has() {
        let without = text(remove(LIST.as_bytes(), &[entry("10.0.0.0/8").prefix]));
        assert_eq!(without, "# office\r\n\n  11.0.0.0/8\nno prefix");
        assert_eq!(
            text(remove(
                "\u{feff}10.0.0.0/8\n".as_bytes(),
                &[entry("10.0.0.0/8").prefix]
            )),
            ""
        );
    }

    #[test]
    fn a_list_that_is_empty_gets_its_line() {
        assert_eq!(text(add(b"", &[entry("10.0.0.0/8=a")])), "10.0.0.0/8 a\n");
    }
}

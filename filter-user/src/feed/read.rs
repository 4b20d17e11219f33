//! Reads an answer as a list: lines of text, or strings in a JSON document.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::Value;

use super::definition::{Feed, Format, Selection};
use crate::{
    files::lines,
    model::{
        entry::{Label, NewEntry, Origin},
        prefix,
    },
    text::shown,
};

/// The most values of a JSON document, counted by the characters that begin them. In memory each value takes many times
/// its length in the document.
const MAX_VALUES: usize = 1 << 20;

/// Reads a list. The error says what is wrong with it.
pub fn read(feed: &Feed, format: &Format, bytes: &[u8]) -> Result<Vec<NewEntry>, String> {
    match format {
        Format::Text => {
            let read = lines::parse(bytes, &Origin::manual())
                .map_err(|line| format!("line {}: {} (line: {:?})", line.number, line.reason, line.text))?;
            Ok(entries(
                feed,
                read.into_iter().map(|entry| (entry.prefix, entry.label)),
            ))
        }
        Format::Json(selections) => {
            let begun = bytes
                .iter()
                .filter(|byte| matches!(byte, b'[' | b'{' | b','))
                .count();
            if begun > MAX_VALUES {
                return Err(format!("more than {MAX_VALUES} values in a JSON document"));
            }
            let document: Value =
                serde_json::from_slice(bytes).map_err(|error| format!("no JSON document: {error}"))?;
            let mut found = Vec::new();
            for selection in selections {
                select(&document, selection, &mut found)?;
            }
            Ok(entries(
                feed,
                found.into_iter().map(|prefix| (prefix, Label::default())),
            ))
        }
    }
}

/// The entries of a feed, sorted, each prefix once. A prefix without a label gets the feed's label.
pub fn entries(feed: &Feed, prefixes: impl Iterator<Item = (IpNet, Label)>) -> Vec<NewEntry> {
    let labelled: BTreeMap<IpNet, Label> = prefixes.collect();
    let entry = |(prefix, label): (IpNet, Label)| NewEntry {
        prefix,
        label: if label == Label::default() {
            feed.label.clone()
        } else {
            label
        },
        origin: feed.origin.clone(),
        expires_ns: None,
        saved: true,
    };
    labelled.into_iter().map(entry).collect()
}

fn select(document: &Value, selection: &Selection, found: &mut Vec<IpNet>) -> Result<(), String> {
    let Selection {
        pointer,
        member,
        with,
    } = selection;
    let place = shown(pointer);
    let array = document
        .pointer(pointer)
        .ok_or_else(|| format!("there is nothing at '{place}'"))?
        .as_array()
        .ok_or_else(|| format!("'{place}' is no array"))?;
    for (number, element) in array.iter().enumerate() {
        if !with
            .iter()
            .all(|(key, value)| element.get(key).and_then(Value::as_str) == Some(value))
        {
            continue;
        }
        let value = match member {
            Some(member) => element.get(member),
            None => Some(element),
        };
        let text = value
            .and_then(Value::as_str)
            .ok_or_else(|| format!("'{place}/{number}' has no text where a prefix should be"))?;
        let prefix = prefix::parse(text).map_err(|bad| format!("'{place}/{number}': {bad}"))?;
        found.push(prefix);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::provider;

    fn feed() -> Feed {
        provider::feed("qrator").unwrap()
    }

    fn selection(pointer: &str, member: Option<&str>, with: &[(&str, &str)]) -> Format {
        Format::Json(vec![Selection {
            pointer: pointer.into(),
            member: member.map(Into::into),
            with: with
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
        }])
    }

    fn read_text(format: &Format, text: &str) -> Result<Vec<String>, String> {
        let entries = read(&feed(), format, text.as_bytes())?;
        let shown = |entry: &NewEntry| format!("{} {}", entry.prefix, entry.label.as_str());
        Ok(entries.iter().map(shown).collect())
    }

    #[test]
    fn text_has_a_prefix_a_line_and_labels_where_it_likes() {
        let text = "10.0.0.0/8\r\n# comment\n2001:db8::/32 theirs\n10.0.0.0/8\n";
        let expected = ["10.0.0.0/8 qrator", "2001:db8::/32 theirs"];
        assert_eq!(read_text(&Format::Text, text).unwrap(), expected);
        let error = read_text(&Format::Text, "<!DOCTYPE html>\n<html>").unwrap_err();
        assert!(
            error.starts_with("line 1: '<!DOCTYPE' is not an IP address or prefix"),
            "{error}"
        );
    }

    #[test]
    fn json_that_is_nearly_nothing_but_values_is_not_read() {
        let format = selection("", None, &[]);
        let error = read_text(&format, &format!("[{}[0]]", "[0],".repeat(1 << 22))).unwrap_err();
        assert_eq!(error, "more than 1048576 values in a JSON document");
        let many: Vec<String> = (0..1 << 16)
            .map(|n| format!("\"10.{}.{}.1\"", n >> 8, n & 255))
            .collect();
        let read = read_text(&format, &format!("[{}]", many.join(","))).unwrap();
        assert_eq!(read.len(), 1 << 16);
    }

    #[test]
    fn json_has_strings_at_a_place_or_members_of_objects_that_match() {
        let cloudflare = r#"{"result":{"ipv4_cidrs":["10.0.0.0/8","9.9.9.9"],"etag":"x"},"success":true}"#;
        let format = selection("/result/ipv4_cidrs", None, &[]);
        assert_eq!(
            read_text(&format, cloudflare).unwrap(),
            ["9.9.9.9/32 qrator", "10.0.0.0/8 qrator"]
        );
        let amazon = r#"{"prefixes":[{"ip_prefix":"10.0.0.0/8","service":"A"},{"ip_prefix":"11.0.0.0/8","service":"B"},{"service":"A2"}]}"#;
        let format = selection("/prefixes", Some("ip_prefix"), &[("service", "B")]);
        assert_eq!(read_text(&format, amazon).unwrap(), ["11.0.0.0/8 qrator"]);
    }

    #[test]
    fn what_is_not_as_it_should_be_is_an_error_that_says_where() {
        let deep = "[".repeat(100_000);
        for (text, reason) in [
            ("", "no JSON document"),
            ("{\"a\":[\"10.0.0.0/8\"", "no JSON document"),
            (deep.as_str(), "no JSON document"),
            ("{}", "there is nothing at '/a'"),
            ("{\"a\":{}}", "'/a' is no array"),
            ("{\"a\":[1]}", "'/a/0' has no text"),
            ("{\"a\":[\"10.0.0.0/8\",null]}", "'/a/1' has no text"),
            (
                "{\"a\":[\"10.0.0.1/8\"]}",
                "'/a/0': '10.0.0.1/8' has host bits set",
            ),
        ] {
            let error = read_text(&selection("/a", None, &[]), text).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}

//! Prefix list files.

use std::collections::BTreeMap;

use filter_user::{
    files::lines::{BadLine, parse},
    model::entry::{Label, Origin},
};
use ipnet::IpNet;

use super::{assert_fit_for_a_terminal, prefix};

pub(super) fn check(bytes: &[u8]) {
    let origin = Origin::new("file:list");
    match (parse(bytes, &origin), reference(bytes)) {
        (Ok(entries), Ok(meant)) => {
            let read: Vec<(IpNet, &str)> = entries.iter().map(|e| (e.prefix, e.label.as_str())).collect();
            let meant: Vec<(IpNet, &str)> = meant.iter().map(|(p, label)| (*p, label.as_str())).collect();
            assert_eq!(read, meant, "sorted and unique, as the reference has them");
            let mut printed = String::new();
            for (prefix, label) in &read {
                prefix::is_clean(*prefix);
                assert_fit_for_a_terminal(label);
                printed += &format!("{prefix} {label}\n");
            }
            let again = parse(printed.as_bytes(), &origin);
            let again = again.unwrap_or_else(|line| panic!("not read as it was printed: {line}"));
            let again: Vec<(IpNet, &str)> = again.iter().map(|e| (e.prefix, e.label.as_str())).collect();
            assert_eq!(again, read);
        }
        (Err(line), Err(number)) => {
            assert_eq!(line.number, number, "another line is to blame");
            is_shown_well(&line, bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes));
        }
        (read, meant) => panic!("read as {read:?}, and means {meant:?}"),
    }
}

fn is_shown_well(line: &BadLine, bytes: &[u8]) {
    let there = bytes.split(|byte| *byte == b'\n').nth(line.number - 1);
    let there = there.map(|there| String::from_utf8_lossy(there).into_owned());
    let there = there.unwrap_or_else(|| panic!("there is no line {}", line.number));
    assert!(
        there.starts_with(&line.text),
        "{:?} is not line {}",
        line.text,
        line.number
    );
    let message = line.to_string();
    assert_fit_for_a_terminal(&message);
    assert!(message.len() < 2000, "{} bytes of message", message.len());
}

/// The meaning of a list, read line by line; or the number of the first line that is wrong.
fn reference(bytes: &[u8]) -> Result<BTreeMap<IpNet, String>, usize> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut list = BTreeMap::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = std::str::from_utf8(line).map_err(|_| number)?;
        let line = line.find('#').map_or(line, |comment| &line[..comment]);
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else {
            continue;
        };
        let read = prefix::reference(first).filter(|_| filter_user::model::prefix::parse(first).is_ok());
        let prefix = read.ok_or(number)?;
        let label = line.trim_start()[first.len()..].trim();
        // A second prefix on the line is not a label.
        let spaced = label.replace(',', " ");
        let second = spaced.split_whitespace().next();
        if second.is_some_and(|second| filter_user::model::prefix::parse(second).is_ok()) {
            return Err(number);
        }
        Label::new(label).map_err(|_| number)?;
        if list.get(&prefix).is_some_and(|other| other != label) {
            return Err(number);
        }
        list.insert(prefix, label.to_owned());
    }
    Ok(list)
}

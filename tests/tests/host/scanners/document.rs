//! Compares the tables in `docs/scanners.md` with the results of the tests.

use std::{fs, path::Path};

/// Fails unless the document contains exactly this table.
pub fn has(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scanners.md");
    let document = fs::read_to_string(&path).expect("docs/scanners.md");
    assert!(
        document.contains(table),
        "docs/scanners.md says otherwise; this was seen:\n\n{table}"
    );
}

/// A table in Markdown.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(head.to_vec()) + &"|---".repeat(head.len()) + "|\n";
    table.extend(
        rows.iter()
            .map(|row| line(row.iter().map(String::as_str).collect())),
    );
    table
}

/// Merges rows that differ only in the second column, the version of IP.
pub fn merged(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut merged: Vec<Vec<String>> = Vec::new();
    for row in rows {
        match merged.last_mut() {
            Some(last) if last[0] == row[0] && last[2..] == row[2..] => last[1] = "both".to_owned(),
            _ => merged.push(row),
        }
    }
    merged
}

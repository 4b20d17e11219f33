//! The report on a console: text unchanged, tables in aligned columns.

use super::report::{Block, Section, Table};

/// A section of the report as text.
#[must_use]
pub fn section(section: &Section) -> String {
    let mut text = format!("\n== {} ==\n", section.title);
    for block in &section.blocks {
        match block {
            Block::Text(words) => text += &format!("\n{}\n", wrapped(&words.replace('`', ""), 100)),
            Block::Table(table) => text += &format!("\n{}", self::table(table)),
            // The tables have the same figures.
            Block::Chart(_) => {}
        }
    }
    text
}

/// A table with aligned columns: the first column to the left, figures to the right.
#[must_use]
pub fn table(table: &Table) -> String {
    let rows = || std::iter::once(&table.columns).chain(&table.rows);
    let cell = |row: &Vec<String>, column: usize| {
        row.get(column)
            .map(|cell| cell.replace('`', ""))
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| {
            rows()
                .map(|row| cell(row, column).chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for row in rows() {
        let mut line = String::new();
        for (column, &width) in widths.iter().enumerate() {
            let cell = cell(row, column);
            line += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            let gap = if lines[last].is_empty() { "" } else { " " };
            lines[last] += &format!("{gap}{word}");
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{table, wrapped};
    use crate::bench::report::Table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut some = Table::new(["side", "ns"]);
        some.row(["`synwall`", "130"]);
        some.row(["iptables", "1400 (1390–1410)"]);
        assert_eq!(
            table(&some),
            "side                    ns\nsynwall                130\niptables  1400 (1390–1410)\n"
        );
    }

    #[test]
    fn long_text_is_wrapped_between_words() {
        assert_eq!(wrapped("one two  three", 7), "one two\nthree");
    }
}

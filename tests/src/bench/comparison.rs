//! Compares several sides under the same floods, in one measurement.

use super::chart::{Bar, Chart};
use super::flood::Flood;
use super::report::Table;
use super::rounds::{self, Lane, Pace, Samples};
use super::sides::{Kind, Side};
use super::spread::Spread;
use super::wires::Sender;

/// A flood and its name in tables.
pub type Named = (&'static str, Flood);

/// The time that each side took for a packet of each flood. The first side is the bound.
#[derive(Debug)]
pub struct Comparison {
    floods: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    kind: Kind,
    trusted: Option<usize>,
    /// One entry for each flood.
    samples: Vec<Samples>,
}

impl Comparison {
    /// Measures all sides under all floods.
    #[must_use]
    pub fn run(sender: &Sender, pace: Pace, sides: &[Side], floods: &[Named]) -> Self {
        // Sides that are compared with one another run directly after one another.
        let lanes: Vec<Lane<'_>> = floods
            .iter()
            .flat_map(|(_, flood)| sides.iter().map(move |side| Lane { side, flood }))
            .collect();
        let samples = rounds::flood(sender, &lanes, pace);
        let row = |(place, side): (usize, &Side)| Row {
            kind: side.kind,
            trusted: side.trusted,
            samples: samples.iter().skip(place).step_by(sides.len()).cloned().collect(),
        };
        Self {
            floods: floods.iter().map(|(name, _)| *name).collect(),
            rows: sides.iter().enumerate().map(row).collect(),
        }
    }

    /// The time of the first side for a packet of this flood, divided by the time of the second side.
    #[must_use]
    pub fn ratio(&self, first: (Kind, usize), second: (Kind, usize), flood: usize) -> Option<Spread> {
        let (first, second) = (self.find(first)?, self.find(second)?);
        first.samples[flood].relative_to(&second.samples[flood])
    }

    /// The time of this side for a packet of the first flood, divided by its time for a packet of the second.
    #[must_use]
    pub fn between_floods(&self, side: (Kind, usize), first: usize, second: usize) -> Option<Spread> {
        let samples = &self.find(side)?.samples;
        samples[first].relative_to(&samples[second])
    }

    fn find(&self, (kind, trusted): (Kind, usize)) -> Option<&Row> {
        let same = |row: &&Row| row.kind == kind && row.trusted.is_none_or(|number| number == trusted);
        self.rows.iter().find(same)
    }

    /// A table with one row for each side. Rows of another comparison can be appended.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut columns = vec!["receiving side".to_owned(), "trusted prefixes".to_owned()];
        for flood in &self.floods {
            let flood = match self.floods.len() {
                1 => String::new(),
                _ => format!("{flood}: "),
            };
            columns.push(format!("{flood}ns a packet"));
            columns.push(format!("{flood}time ÷ bound"));
        }
        let mut table = Table::new(columns);
        self.append_to(&mut table, 0);
        table
    }

    /// Appends the sides from number `from` on to a table with the same columns.
    pub fn append_to(&self, table: &mut Table, from: usize) {
        let Some(bound) = self.rows.first() else { return };
        for row in &self.rows[from..] {
            let mut cells = vec![row.kind.name().to_owned(), trusted(row.trusted)];
            for (samples, bound) in row.samples.iter().zip(&bound.samples) {
                let shown = |spread: Option<Spread>, decimals: usize| {
                    spread.map_or_else(|| "disturbed".to_owned(), |spread| format!("{spread:.decimals$}"))
                };
                cells.push(shown(samples.spread(), 0));
                cells.push(shown(samples.relative_to(bound), 2));
            }
            table.rows.push(cells);
        }
    }

    /// Time ÷ bound under one flood: one bar for each side from number `from` on.
    #[must_use]
    pub fn bars(&self, flood: usize, from: usize) -> Vec<Bar> {
        let bound = self.rows.first().map(|row| &row.samples[flood]);
        let bar = |row: &Row| {
            Some(Bar {
                name: match row.trusted {
                    Some(number) if number > 2 => format!("{} ({})", plain(row.kind), grouped(number)),
                    _ => plain(row.kind),
                },
                value: row.samples[flood].relative_to(bound?)?,
            })
        };
        self.rows[from..].iter().filter_map(bar).collect()
    }

    /// Time ÷ bound under one flood, for charts: side, number of trusted prefixes, ratio.
    #[must_use]
    pub fn points(&self, flood: usize) -> Vec<(Kind, usize, Spread)> {
        let bound = self.rows.first().map(|row| &row.samples[flood]);
        let point = |row: &Row| Some((row.kind, row.trusted?, row.samples[flood].relative_to(bound?)?));
        self.rows.iter().filter_map(point).collect()
    }

    /// A bar chart of one flood.
    #[must_use]
    pub fn chart(&self, file: &'static str, title: &'static str, flood: usize) -> Chart {
        Chart::Bars {
            file,
            title,
            axis: "time for a packet ÷ time with the bound",
            bars: self.bars(flood, 0),
        }
    }
}

/// The name of a side without Markdown.
pub fn plain(kind: Kind) -> String {
    kind.name().replace('`', "")
}

fn trusted(number: Option<usize>) -> String {
    number.map_or_else(|| "–".to_owned(), grouped)
}

/// A number with thousands separators: `1,000,000`.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three() {
        let numbers = [2, 999, 1_000, 100_000, 1_000_000];
        assert_eq!(
            numbers.map(grouped),
            ["2", "999", "1,000", "100,000", "1,000,000"]
        );
    }
}

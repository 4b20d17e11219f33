//! The results of the bench: sections of text, tables and charts, and the targets.

use super::chart::Chart;
use super::spread::Spread;

/// The whole report.
#[derive(Debug, Default)]
pub struct Report {
    /// The sections, in the order of measuring.
    pub sections: Vec<Section>,
    /// The targets and what was measured for each.
    pub targets: Vec<Target>,
}

/// The results that answer one question.
#[derive(Debug)]
pub struct Section {
    /// The heading of the section.
    pub title: &'static str,
    /// Paragraphs, tables and charts, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A table of names and figures.
    Table(Table),
    /// A chart.
    Chart(Chart),
}

/// A table whose first column is a name. The other columns are figures.
#[derive(Debug, Clone)]
pub struct Table {
    /// The header row.
    pub columns: Vec<String>,
    /// The rows. Each has as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A target, and the value that was measured for it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its number in the list of targets.
    pub number: u32,
    /// What is measured.
    pub what: &'static str,
    /// The limit.
    pub wanted: Wanted,
    /// The measured value.
    pub seen: Spread,
    /// The unit; empty for a ratio.
    pub unit: &'static str,
}

/// The limit of a target.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// The value must not be lower.
    AtLeast(f64),
    /// The value must not be higher.
    AtMost(f64),
}

impl Report {
    /// Begins a section.
    pub fn section(&mut self, title: &'static str) -> &mut Section {
        self.sections.push(Section {
            title,
            blocks: Vec::new(),
        });
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    /// Records a target that is a ratio, if its value could be measured.
    pub fn target(&mut self, number: u32, what: &'static str, wanted: Wanted, seen: Option<Spread>) {
        self.target_in("", number, what, wanted, seen);
    }

    /// Records a target whose value has a unit, if it could be measured.
    pub fn target_in(
        &mut self,
        unit: &'static str,
        number: u32,
        what: &'static str,
        wanted: Wanted,
        seen: Option<Spread>,
    ) {
        self.targets.extend(seen.map(|seen| Target {
            number,
            what,
            wanted,
            seen,
            unit,
        }));
    }

    /// The targets as a table, ordered by number.
    #[must_use]
    pub fn targets_table(&self) -> Table {
        let mut targets: Vec<_> = self.targets.iter().collect();
        targets.sort_by_key(|target| target.number);
        let mut table = Table::new(["target", "wanted", "seen (quartiles)", ""]);
        for target in targets {
            table.row([
                format!("{}. {}", target.number, target.what),
                format!("{}{}", target.wanted.shown(), target.unit),
                format!("{}{}", target.seen.short(), target.unit),
                if target.met() { "met" } else { "not met" }.to_owned(),
            ]);
        }
        table
    }
}

impl Section {
    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.blocks.push(Block::Table(table));
        self
    }

    /// Adds a chart.
    pub fn chart(&mut self, chart: Chart) -> &mut Self {
        self.blocks.push(Block::Chart(chart));
        self
    }
}

impl Table {
    /// A table with these columns and no rows.
    #[must_use]
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = T>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }
}

impl Target {
    /// Whether the median is within the limit.
    #[must_use]
    pub fn met(&self) -> bool {
        match self.wanted {
            Wanted::AtLeast(limit) => self.seen.median >= limit,
            Wanted::AtMost(limit) => self.seen.median <= limit,
        }
    }
}

impl Wanted {
    fn shown(self) -> String {
        match self {
            Self::AtLeast(limit) => format!("≥ {limit}"),
            Self::AtMost(limit) => format!("≤ {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Spread, Wanted};

    fn exactly(value: f64) -> Option<Spread> {
        Spread::of([value])
    }

    #[test]
    fn a_limit_that_is_just_reached_is_met() {
        let mut report = Report::default();
        report.target(2, "at the limit", Wanted::AtMost(1.0), exactly(1.0));
        report.target(1, "below", Wanted::AtLeast(0.88), exactly(0.87));
        let table = report.targets_table();
        let verdicts: Vec<_> = table.rows.iter().map(|row| (&*row[0], &*row[3])).collect();
        assert_eq!(verdicts, [("1. below", "not met"), ("2. at the limit", "met")]);
    }

    #[test]
    fn what_could_not_be_measured_is_neither_met_nor_not() {
        let mut report = Report::default();
        report.target(1, "nothing", Wanted::AtMost(1.0), None);
        assert!(report.targets_table().rows.is_empty());
    }
}

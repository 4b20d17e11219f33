//! What the bench has found out: sections of text, tables and charts, and the targets.

use super::chart::Chart;
use super::spread::Spread;

/// All of it.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of measuring.
    pub sections: Vec<Section>,
    /// What is to be reached, and what was.
    pub targets: Vec<Target>,
}

/// What belongs to one question.
#[derive(Debug)]
pub struct Section {
    /// The question.
    pub title: &'static str,
    /// What was found.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Rows and columns.
    Table(Table),
    /// A picture.
    Chart(Chart),
}

/// Rows and columns; the first column is a name, the others are figures.
#[derive(Debug, Clone)]
pub struct Table {
    /// The first row.
    pub columns: Vec<String>,
    /// As many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// What is to be reached.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its place in the list of targets.
    pub number: u32,
    /// What is measured.
    pub what: &'static str,
    /// The limit.
    pub wanted: Wanted,
    /// What was measured.
    pub seen: Spread,
    /// Its unit, or none for a ratio.
    pub unit: &'static str,
}

/// A limit.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
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

    /// Notes what was reached of a target, if it could be measured.
    pub fn target(&mut self, number: u32, what: &'static str, wanted: Wanted, seen: Option<Spread>) {
        self.target_in("", number, what, wanted, seen);
    }

    /// The same for what is no ratio.
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

    /// The targets as a table, in their order.
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

    /// Adds a picture.
    pub fn chart(&mut self, chart: Chart) -> &mut Self {
        self.blocks.push(Block::Chart(chart));
        self
    }
}

impl Table {
    /// A table without rows.
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
    /// Whether the median keeps the limit.
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

//! `synwall stats`.

use std::{path::Path, process::ExitCode, thread, time::Duration};

use clap::{Args, ValueEnum};
use filter_user::{
    model::duration,
    view::{
        interface::Interface,
        packets::ReasonCount,
        prefix::Prefix,
        rate::Rates,
        reading::{Prefixes, Reading, Wanted},
        source::{Source, Sources},
    },
};
use serde::Serialize;

use super::{
    output::{Column, Output, SCHEMA, grouped, note},
    prefix_table,
};

/// More source networks than this do not fit on a screen; `--json` has them all.
const SOURCES_SHOWN: usize = 20;

/// Show what was counted: by reason, by configured prefix, by source network
#[derive(Args)]
#[command(after_help = "Example, during an attack: synwall stats sources --watch 1s")]
pub struct Stats {
    /// Only one of the tables
    #[arg(value_name = "TABLE")]
    table: Option<Table>,
    /// Show it again and again, this far apart
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    watch: Option<Duration>,
    /// One JSON document (with --watch, one a line)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    /// Drops by reason and interface, exact
    Reasons,
    /// Configured prefixes, exact: new connections of trusted ones, drops of denied and retired ones
    Prefixes,
    /// Drops by source network (/24 and /48 unless told otherwise), each with its error bound
    Sources,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<ReasonCount<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefixes: Option<&'a [Prefix]>,
    #[serde(flatten)]
    sources: Option<&'a Sources>,
}

impl Stats {
    pub fn run(&self, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        let mut rates = Rates::default();
        loop {
            let reading = Reading::read(pin_dir, self.wanted())?;
            let document = self.document(&reading);
            if self.json {
                output.json(&document)?;
            } else {
                if self.watch.is_some() {
                    output.redraw()?;
                }
                rates.next(reading.at);
                show(&document, &mut rates, output)?;
            }
            match self.watch {
                Some(every) => thread::sleep(every),
                None => return Ok(ExitCode::SUCCESS),
            }
        }
    }

    fn wants(&self, table: Table) -> bool {
        self.table.is_none_or(|wanted| wanted == table)
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            prefixes: if self.wants(Table::Prefixes) {
                Prefixes::All
            } else {
                Prefixes::None
            },
            sources: self.wants(Table::Sources),
            rate: None,
        }
    }

    fn document<'a>(&self, reading: &'a Reading) -> Document<'a> {
        let reasons = || reading.interfaces.iter().flat_map(Interface::reasons).collect();
        Document {
            schema: SCHEMA,
            reasons: self.wants(Table::Reasons).then(reasons),
            prefixes: reading.prefixes.as_deref(),
            sources: reading.sources.as_ref(),
        }
    }
}

fn show(document: &Document<'_>, rates: &mut Rates<String>, output: &mut Output) -> anyhow::Result<()> {
    let mut separator = "";
    if let Some(reasons) = &document.reasons {
        show_reasons(reasons, rates, output)?;
        separator = "\n";
    }
    if let Some(prefixes) = document.prefixes {
        output.text(separator)?;
        let rows: Vec<_> = prefixes.iter().map(prefix_table::cells).collect();
        output.table(prefix_table::COLUMNS, &rows)?;
        separator = "\n";
    }
    if let Some(sources) = document.sources {
        output.text(separator)?;
        show_sources(sources, rates, output)?;
    }
    Ok(())
}

fn show_reasons(
    reasons: &[ReasonCount<'_>],
    rates: &mut Rates<String>,
    output: &mut Output,
) -> anyhow::Result<()> {
    let columns = [
        Column::Text("INTERFACE"),
        Column::Text("REASON"),
        Column::Number("PACKETS"),
        Column::Number("BYTES"),
        Column::Number("WOULD DROP"),
        Column::Number("A SECOND"),
    ];
    let row = |row: &ReasonCount<'_>| {
        let key = format!("{} {}", row.interface, row.reason);
        let all = row.packets.saturating_add(row.would_drop_packets);
        [
            row.interface.to_owned(),
            row.reason.to_owned(),
            grouped(row.packets),
            grouped(row.bytes),
            grouped(row.would_drop_packets),
            shown_rate(rates.rate(key, all)),
        ]
    };
    let counted = reasons
        .iter()
        .filter(|row| row.packets > 0 || row.would_drop_packets > 0);
    let rows: Vec<_> = counted.map(row).collect();
    output.table(columns, &rows)
}

fn show_sources(sources: &Sources, rates: &mut Rates<String>, output: &mut Output) -> anyhow::Result<()> {
    let columns = [
        Column::Text("SOURCE"),
        Column::Number("PACKETS"),
        Column::Number("MISSED AT MOST"),
        Column::Number("BYTES"),
        Column::Number("A SECOND"),
    ];
    let row = |source: &Source| {
        [
            source.prefix.to_string(),
            grouped(source.packets),
            grouped(source.error),
            grouped(source.bytes),
            shown_rate(rates.rate(source.prefix.to_string(), source.packets)),
        ]
    };
    let clear = sources.sources.iter().filter(|source| source.is_clear());
    let rows: Vec<_> = clear.take(SOURCES_SHOWN).map(row).collect();
    output.table(columns, &rows)?;
    let hidden = sources.sources.len() - rows.len();
    if hidden > 0 {
        note(format_args!("{hidden} more networks; --json has them all"));
    }
    if sources.others > 0 {
        note(format_args!(
            "{} packets came from more networks than can be counted apart",
            grouped(sources.others)
        ));
    }
    Ok(())
}

fn shown_rate(rate: Option<u64>) -> String {
    rate.map_or_else(|| "-".to_owned(), grouped)
}

//! `synwall stats`.

use std::{
    collections::HashMap,
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use filter_common::Reason;
use filter_user::{
    filter::{error::Result, instance::Instance},
    lists::sources,
    model::duration,
    sys::clock,
};
use ipnet::IpNet;
use serde::Serialize;

use super::{
    lists::PrefixRow,
    output::{Column, Output, SCHEMA, grouped, note},
};

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
struct Document {
    schema: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<ReasonRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefixes: Option<Vec<PrefixRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<SourceRow>>,
    /// Packets from networks that are not counted apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources_others: Option<u64>,
}

#[derive(Serialize)]
struct ReasonRow {
    interface: String,
    reason: &'static str,
    packets: u64,
    bytes: u64,
    would_drop_packets: u64,
    would_drop_bytes: u64,
}

#[derive(Serialize)]
struct SourceRow {
    prefix: IpNet,
    packets: u64,
    bytes: u64,
    error: u64,
}

/// What was counted a round ago, to tell what happened since.
#[derive(Default)]
struct Rates {
    before: Option<(Instant, HashMap<String, u64>)>,
    now: HashMap<String, u64>,
}

impl Rates {
    /// How much more there is in a second; unknown for what was not counted a round ago.
    fn rate(&mut self, key: String, now: u64) -> String {
        let rate = self.before.as_ref().and_then(|(when, before)| {
            let more = now.saturating_sub(*before.get(&key)?);
            Some((more as f64 / when.elapsed().as_secs_f64()).round() as u64)
        });
        self.now.insert(key, now);
        rate.map_or_else(|| "-".to_owned(), grouped)
    }

    /// Begins another round.
    fn next(&mut self) {
        self.before = Some((Instant::now(), std::mem::take(&mut self.now)));
    }
}

impl Stats {
    pub fn run(&self, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        let mut rates = Rates::default();
        loop {
            let document = self.collect(pin_dir)?;
            if self.json {
                output.json(&document)?;
            } else {
                if self.watch.is_some() {
                    output.redraw()?;
                }
                self.show(&document, &mut rates, output)?;
                rates.next();
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

    fn collect(&self, pin_dir: &Path) -> Result<Document> {
        let filter = Instance::open(pin_dir)?;
        let reasons = || reason_rows(&filter);
        let prefixes = || prefix_rows(&filter);
        let sources = self
            .wants(Table::Sources)
            .then(|| sources::read(filter.pins(), filter.settings().sources))
            .transpose()?;
        Ok(Document {
            schema: SCHEMA,
            reasons: self.wants(Table::Reasons).then(reasons).transpose()?,
            prefixes: self.wants(Table::Prefixes).then(prefixes).transpose()?,
            sources_others: sources.as_ref().map(|sources| sources.others),
            sources: sources.map(source_rows),
        })
    }

    fn show(&self, document: &Document, rates: &mut Rates, output: &mut Output) -> anyhow::Result<()> {
        let mut separator = "";
        if let Some(rows) = &document.reasons {
            separator = "\n";
            let columns = [
                Column::Text("INTERFACE"),
                Column::Text("REASON"),
                Column::Number("PACKETS"),
                Column::Number("BYTES"),
                Column::Number("WOULD DROP"),
                Column::Number("A SECOND"),
            ];
            let cells: Vec<_> = rows
                .iter()
                .filter(|row| row.packets > 0 || row.would_drop_packets > 0)
                .map(|row| {
                    let key = format!("{} {}", row.interface, row.reason);
                    [
                        row.interface.clone(),
                        row.reason.to_owned(),
                        grouped(row.packets),
                        grouped(row.bytes),
                        grouped(row.would_drop_packets),
                        rates.rate(key, row.packets.saturating_add(row.would_drop_packets)),
                    ]
                })
                .collect();
            output.table(columns, &cells)?;
        }
        if let Some(rows) = &document.prefixes {
            output.text(separator)?;
            separator = "\n";
            let cells: Vec<_> = rows.iter().map(PrefixRow::cells).collect();
            output.table(PrefixRow::COLUMNS, &cells)?;
        }
        if let Some(rows) = &document.sources {
            output.text(separator)?;
            let columns = [
                Column::Text("SOURCE"),
                Column::Number("PACKETS"),
                Column::Number("MISSED AT MOST"),
                Column::Number("BYTES"),
                Column::Number("A SECOND"),
            ];
            // Of a flood from everywhere some networks are always there, with the packet or two that they sent.
            let (clear, noise): (Vec<&SourceRow>, Vec<_>) = rows
                .iter()
                .partition(|row| row.error == 0 || row.packets >= CLEAR);
            let cells: Vec<_> = clear
                .iter()
                .take(SOURCES_SHOWN)
                .map(|row| {
                    [
                        row.prefix.to_string(),
                        grouped(row.packets),
                        grouped(row.error),
                        grouped(row.bytes),
                        rates.rate(row.prefix.to_string(), row.packets),
                    ]
                })
                .collect();
            output.table(columns, &cells)?;
            let hidden = noise.len() + clear.len().saturating_sub(SOURCES_SHOWN);
            if hidden > 0 {
                note(format_args!("{hidden} more networks; --json has them all"));
            }
            if let Some(others @ 1..) = document.sources_others {
                note(format_args!(
                    "{} packets came from more networks than can be counted apart",
                    grouped(others)
                ));
            }
        }
        Ok(())
    }
}

/// More source networks than this do not fit on a screen; `--json` has them all.
const SOURCES_SHOWN: usize = 20;
/// Packets of a network that stands out of a flood.
const CLEAR: u64 = 10;

fn reason_rows(filter: &Instance) -> Result<Vec<ReasonRow>> {
    let mut rows = Vec::new();
    for attachment in filter.attachments() {
        let totals = attachment.totals(filter.pins())?;
        rows.extend(Reason::ALL.map(|reason| {
            let (dropped, would_drop) = (totals.dropped[reason.index()], totals.would_drop[reason.index()]);
            ReasonRow {
                interface: attachment.name(),
                reason: reason.name(),
                packets: dropped.packets,
                bytes: dropped.bytes,
                would_drop_packets: would_drop.packets,
                would_drop_bytes: would_drop.bytes,
            }
        }));
    }
    Ok(rows)
}

fn prefix_rows(filter: &Instance) -> Result<Vec<PrefixRow>> {
    let now = clock::now_ns()?;
    let counted = filter.counted()?;
    let rows = counted
        .iter()
        .map(|(entry, count)| PrefixRow::new(entry, count, now));
    Ok(rows.collect())
}

fn source_rows(sources: sources::Sources) -> Vec<SourceRow> {
    let row = |source: sources::Source| SourceRow {
        prefix: source.prefix,
        packets: source.packets,
        bytes: source.bytes,
        error: source.error,
    };
    sources.networks.into_iter().map(row).collect()
}

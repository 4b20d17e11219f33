//! `synwall status`.

use std::{
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use filter_user::{
    filter::{attachment::Attachment, error::Result, instance::Instance, totals::Totals},
    lists::summary::Summary,
    model::{
        entry::Action,
        settings::{Policy, drop_level_name},
    },
    sys::clock,
};
use serde::Serialize;

use super::output::{self, Column, Output, SCHEMA, grouped};

/// How long drops are watched to tell their rate. Long enough for a flood, short enough for a prompt.
const SAMPLE: Duration = Duration::from_millis(5);

/// Show whether the filter is up, where, and what it does
#[derive(Args)]
#[command(after_help = "Example: synwall status --json\nExit code 1 if the filter is on no interface.")]
pub struct Status {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    schema: u32,
    policy: &'static str,
    drop: &'static str,
    tcp: Vec<u16>,
    udp: Vec<u16>,
    trusted: Versions,
    denied: Versions,
    retired: Versions,
    runtime_only: RuntimeOnly,
    interfaces: Vec<InterfaceRow>,
    packets: Packets,
}

#[derive(Serialize)]
struct Versions {
    v4: usize,
    v6: usize,
}

impl Versions {
    fn new(summary: &Summary, list: Action) -> Self {
        let (v4, v6) = summary.count(list);
        Self { v4, v6 }
    }
}

/// How many entries are gone after a reboot.
#[derive(Serialize)]
struct RuntimeOnly {
    trusted: usize,
    denied: usize,
    retired: usize,
}

impl RuntimeOnly {
    fn new(summary: &Summary) -> Self {
        Self {
            trusted: summary.runtime_only(Action::Trust),
            denied: summary.runtime_only(Action::Deny),
            retired: summary.runtime_only(Action::Retire),
        }
    }

    fn total(&self) -> usize {
        self.trusted + self.denied + self.retired
    }

    /// What there is to say. Where nothing is saved, there is no agent, and everything goes.
    fn line(&self, summary: &Summary) -> String {
        let total = self.total();
        if total == 0 || total == summary.total() {
            return String::new();
        }
        let counts = [
            (self.trusted, "trusted"),
            (self.denied, "denied"),
            (self.retired, "retired"),
        ];
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let is = if total == 1 { "is" } else { "are" };
        format!(
            "runtime   {} {is} gone after a reboot (keep: synwall trust add PREFIX --save)\n",
            counts.join(", ")
        )
    }
}

#[derive(Serialize)]
struct InterfaceRow {
    name: String,
    ifindex: u32,
    xdp: &'static str,
    program_id: u32,
    /// `attached`; `outdated`: attached, but not as settings, lists and this version ask for; `unconfirmed`;
    /// `overdue`; `gone`; `elsewhere`: in another network namespace.
    state: &'static str,
    /// Seconds until filtering ends unless it is confirmed.
    confirm_seconds: Option<u64>,
    #[serde(flatten)]
    packets: Packets,
}

impl InterfaceRow {
    fn is_up(&self) -> bool {
        !matches!(self.state, "gone" | "overdue")
    }
}

#[derive(Clone, Copy, Default, Serialize)]
struct Packets {
    passed: u64,
    dropped: u64,
    /// What `observe` let pass and `enforce` would have dropped.
    would_drop: u64,
    /// Drops, or would-drops, in a second, from a sample of 5 ms.
    drops_per_second: u64,
}

impl Packets {
    fn new(before: &Totals, after: &Totals, time: Duration) -> Self {
        let stopped = |totals: &Totals| totals.all_dropped().saturating_add(totals.all_would_drop());
        let more = u128::from(stopped(after).saturating_sub(stopped(before)));
        let rate = more * Duration::from_secs(1).as_nanos() / time.max(SAMPLE).as_nanos();
        Self {
            passed: after.passed.packets,
            dropped: after.all_dropped(),
            would_drop: after.all_would_drop(),
            drops_per_second: u64::try_from(rate).unwrap_or(u64::MAX),
        }
    }

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed.saturating_add(other.passed),
            dropped: self.dropped.saturating_add(other.dropped),
            would_drop: self.would_drop.saturating_add(other.would_drop),
            drops_per_second: self.drops_per_second.saturating_add(other.drops_per_second),
        }
    }
}

impl Status {
    pub fn run(&self, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        let filter = Instance::open(pin_dir)?;
        let summary = filter.live_summary()?;
        let now = clock::now_ns()?;
        let interfaces = rows(&filter, now)?;
        let document = Document {
            schema: SCHEMA,
            policy: filter.settings().policy.name(),
            drop: drop_level_name(filter.settings().drop),
            tcp: filter.settings().tcp.iter().collect(),
            udp: filter.settings().udp.iter().collect(),
            trusted: Versions::new(&summary, Action::Trust),
            denied: Versions::new(&summary, Action::Deny),
            retired: Versions::new(&summary, Action::Retire),
            runtime_only: RuntimeOnly::new(&summary),
            packets: interfaces
                .iter()
                .fold(Packets::default(), |sum, row| sum.add(row.packets)),
            interfaces,
        };
        if self.json {
            output.json(&document)?;
        } else {
            self.show(&filter, &document, &summary, output)?;
        }
        let up = document.interfaces.iter().any(InterfaceRow::is_up);
        Ok(if up { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn show(
        &self,
        filter: &Instance,
        document: &Document,
        summary: &Summary,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let Document {
            trusted,
            denied,
            retired,
            packets,
            ..
        } = document;
        let (settings, interfaces) = (filter.settings(), &document.interfaces);
        let colour = if settings.policy == Policy::Enforce {
            "\x1b[32m"
        } else {
            "\x1b[33m"
        };
        let policy = match settings.policy {
            _ if !interfaces.iter().any(InterfaceRow::is_up) => {
                "on no interface (attach it: synwall up IFACE)"
            }
            Policy::Enforce => "enforcing",
            Policy::Observe => "observing: nothing is dropped (enforce: synwall set --enforce)",
        };
        let counted = match settings.policy {
            Policy::Enforce => format!("dropped {}", grouped(packets.dropped)),
            Policy::Observe => format!("would drop {}", grouped(packets.would_drop)),
        };
        output.text(&format!(
            "synwall is {colour}{policy}\x1b[0m\n\
             ports     tcp {}; udp {}\n\
             drop      {}\n\
             trusted   {} IPv4, {} IPv6; denied {}, {}; retired {}, {}\n\
             {}packets   passed {}, {counted} ({} a second now)\n",
            settings.tcp.brief(),
            settings.udp.brief(),
            document.drop,
            trusted.v4,
            trusted.v6,
            denied.v4,
            denied.v6,
            retired.v4,
            retired.v6,
            document.runtime_only.line(summary),
            grouped(packets.passed),
            grouped(packets.drops_per_second),
        ))?;
        if interfaces.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = interfaces
            .iter()
            .map(|row| {
                [
                    row.name.clone(),
                    row.state.to_owned(),
                    row.xdp.to_owned(),
                    row.program_id.to_string(),
                    grouped(row.packets.passed),
                    grouped(row.packets.dropped),
                    grouped(row.packets.would_drop),
                ]
            })
            .collect();
        output.text("\n")?;
        let columns = [
            Column::Text("INTERFACE"),
            Column::Text("STATE"),
            Column::Text("XDP"),
            Column::Number("PROGRAM"),
            Column::Number("PASSED"),
            Column::Number("DROPPED"),
            Column::Number("WOULD DROP"),
        ];
        output.table(columns, &rows)?;
        interfaces.iter().for_each(remark);
        if settings.policy == Policy::Enforce && trusted.v4 + trusted.v6 == 0 {
            output::warning(
                "nobody is trusted (any more): every new connection is dropped; synwall trust add PREFIX",
            );
        }
        Ok(())
    }
}

fn remark(row: &InterfaceRow) {
    let name = &row.name;
    match row.state {
        "gone" => output::warning(format_args!(
            "{name} is gone, or its program was taken off; attach it again: synwall up {name}; forget it: synwall down {name}"
        )),
        "overdue" => output::warning(format_args!(
            "{name} was not confirmed in time: everything passes; bring it up anew: synwall up {name}"
        )),
        "outdated" => output::warning(format_args!(
            "{name} still runs an older program; bring it up to date: synwall up {name}"
        )),
        "unconfirmed" => output::warning(format_args!(
            "filtering on {name} ends in {} s unless you keep it: synwall confirm",
            row.confirm_seconds.unwrap_or(0)
        )),
        _ => {}
    }
}

fn rows(filter: &Instance, now_ns: u64) -> Result<Vec<InterfaceRow>> {
    let totals = || -> Result<Vec<Totals>> {
        filter
            .attachments()
            .iter()
            .map(|attachment| attachment.totals(filter.pins()))
            .collect()
    };
    let (before, begun) = (totals()?, Instant::now());
    if !before.is_empty() {
        thread::sleep(SAMPLE);
    }
    let (after, time) = (totals()?, begun.elapsed());
    let row = |((attachment, before), after): ((&Attachment, &Totals), &Totals)| InterfaceRow {
        name: attachment.name(),
        ifindex: attachment.record.ifindex,
        xdp: attachment.mode().name(),
        program_id: attachment.program_id,
        state: filter.condition(attachment, now_ns),
        confirm_seconds: (attachment.record.confirm_by_ns > now_ns)
            .then(|| (attachment.record.confirm_by_ns - now_ns).div_ceil(1_000_000_000)),
        packets: Packets::new(before, after, time),
    };
    Ok(filter
        .attachments()
        .iter()
        .zip(&before)
        .zip(&after)
        .map(row)
        .collect())
}

//! `synwall status`.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::Args;
use filter_user::{
    model::settings::{Policy, drop_level_name},
    view::{
        interface::{Interface, State},
        reading::{Reading, Wanted},
    },
};
use serde::Serialize;

use super::output::{self, Column, Output, SCHEMA, grouped};

/// How long the rate of drops is sampled: long enough to see a flood, short enough to wait for.
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
struct Document<'a> {
    schema: u32,
    #[serde(flatten)]
    reading: &'a Reading,
}

impl Status {
    pub fn run(&self, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        let wanted = Wanted {
            rate: Some(SAMPLE),
            ..Wanted::default()
        };
        let reading = Reading::read(pin_dir, wanted)?;
        if self.json {
            output.json(&Document {
                schema: SCHEMA,
                reading: &reading,
            })?;
        } else {
            show(&reading, output)?;
        }
        Ok(if reading.is_in_force() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn show(reading: &Reading, output: &mut Output) -> anyhow::Result<()> {
    output.text(&overview(reading))?;
    if reading.interfaces.is_empty() {
        return Ok(());
    }
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
    let row = |interface: &Interface| {
        [
            interface.name.clone(),
            interface.state.name().to_owned(),
            interface.mode.name().to_owned(),
            interface.program_id.to_string(),
            grouped(interface.packets.passed),
            grouped(interface.packets.dropped),
            grouped(interface.packets.would_drop),
        ]
    };
    let rows: Vec<_> = reading.interfaces.iter().map(row).collect();
    output.table(columns, &rows)?;
    reading.interfaces.iter().for_each(remark);
    if reading.policy == Policy::Enforce && reading.entries.trusted.total() == 0 {
        output::warning(
            "nobody is trusted (any more): every new connection is dropped; synwall trust add PREFIX",
        );
    }
    Ok(())
}

/// The lines above the table of interfaces.
fn overview(reading: &Reading) -> String {
    let colour = match reading.policy {
        Policy::Enforce => "\x1b[32m",
        Policy::Observe => "\x1b[33m",
    };
    let policy = match reading.policy {
        _ if !reading.is_in_force() => "on no interface (attach it: synwall up IFACE)",
        Policy::Enforce => "enforcing",
        Policy::Observe => "observing: nothing is dropped (enforce: synwall set --enforce)",
    };
    let packets = &reading.packets;
    let counted = match reading.policy {
        Policy::Enforce => format!("dropped {}", grouped(packets.dropped)),
        Policy::Observe => format!("would drop {}", grouped(packets.would_drop)),
    };
    let (trusted, denied, retired) = (
        reading.entries.trusted,
        reading.entries.denied,
        reading.entries.retired,
    );
    format!(
        "synwall is {colour}{policy}\x1b[0m\n\
         ports     tcp {}; udp {}\n\
         drop      {}\n\
         trusted   {} IPv4, {} IPv6; denied {}, {}; retired {}, {}\n\
         {}packets   passed {}, {counted} ({} a second now)\n",
        reading.tcp.brief(),
        reading.udp.brief(),
        drop_level_name(reading.drop),
        trusted.v4,
        trusted.v6,
        denied.v4,
        denied.v6,
        retired.v4,
        retired.v6,
        runtime_only(reading),
        grouped(packets.passed),
        grouped(packets.drops_per_second.unwrap_or_default()),
    )
}

/// The line about entries that are gone after a reboot. Without an agent that is all of them, and there is no line.
fn runtime_only(reading: &Reading) -> String {
    let counts = reading.runtime_only;
    let counts = [
        (counts.trusted, "trusted"),
        (counts.denied, "denied"),
        (counts.retired, "retired"),
    ];
    let total: usize = counts.iter().map(|(count, _)| count).sum();
    let entries = reading.entries.each();
    let all: usize = entries.iter().map(|(_, versions)| versions.total()).sum();
    if total == 0 || total == all {
        return String::new();
    }
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

fn remark(interface: &Interface) {
    let name = &interface.name;
    match interface.state {
        State::Gone => output::warning(format_args!(
            "{name} is gone, or its program was taken off; attach it again: synwall up {name}; forget it: synwall down {name}"
        )),
        State::Overdue => output::warning(format_args!(
            "{name} was not confirmed in time: everything passes; bring it up anew: synwall up {name}"
        )),
        State::Outdated => output::warning(format_args!(
            "{name} still runs an older program; bring it up to date: synwall up {name}"
        )),
        State::Unconfirmed => output::warning(format_args!(
            "filtering on {name} ends in {} s unless you keep it: synwall confirm",
            interface.confirm_seconds.unwrap_or(0)
        )),
        State::Attached | State::Elsewhere => {}
    }
}

//! `synwall trust list`, `synwall deny list` and `synwall retire list`.

use std::{path::Path, process::ExitCode};

use clap::Args;
use filter_user::{
    model::entry::Action,
    view::{
        prefix::Prefix,
        reading::{Prefixes, Reading, Wanted},
    },
};
use serde::Serialize;

use super::{
    output::{Output, SCHEMA},
    prefix_table,
};

/// Show the list
#[derive(Args)]
#[command(after_help = "Examples: synwall trust list --json; synwall deny list; synwall retire list")]
pub struct List {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    schema: u32,
    prefixes: Vec<Prefix>,
}

impl List {
    pub fn run(&self, list: Action, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
        let wanted = Wanted {
            prefixes: Prefixes::List(list),
            ..Wanted::default()
        };
        let prefixes = Reading::read(pin_dir, wanted)?.prefixes.unwrap_or_default();
        if self.json {
            output.json(&Document {
                schema: SCHEMA,
                prefixes,
            })?;
        } else {
            let rows: Vec<_> = prefixes.iter().map(prefix_table::cells).collect();
            output.table(prefix_table::COLUMNS, &rows)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `synwall config show`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use filter_user::config::{contents::Config, show};
use ipnet::IpNet;
use serde::Serialize;

use crate::cli::output::{self, Output, SCHEMA};

#[derive(Serialize)]
struct ShowDocument {
    schema: u32,
    file: PathBuf,
    config: serde_json::Value,
    /// The built-in prefixes of each source.
    built_in: BTreeMap<String, Vec<IpNet>>,
}

pub fn run(file: &Path, json: bool, output: &mut Output) -> anyhow::Result<ExitCode> {
    let config = match Config::read_file(file) {
        Ok((config, _)) => config,
        Err(errors) => {
            errors.iter().for_each(output::mistake);
            return Ok(ExitCode::FAILURE);
        }
    };
    let shown = show::show(&config)?;
    if json {
        let built_in = config.feeds.iter().filter(|feed| !feed.built_in.is_empty());
        output.json(&ShowDocument {
            schema: SCHEMA,
            file: config.path.clone(),
            config: show::json(&config)?,
            built_in: built_in
                .map(|feed| (feed.name.clone(), feed.built_in.clone()))
                .collect(),
        })?;
    } else {
        output.text(&shown)?;
    }
    Ok(ExitCode::SUCCESS)
}

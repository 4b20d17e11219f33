//! `synwall trust check` and `synwall deny check`.

use std::{net::IpAddr, path::Path, process::ExitCode};

use filter_user::{filter::instance::Instance, model::entry::Action};
use ipnet::IpNet;
use serde::Serialize;

use super::output::{Output, SCHEMA};

#[derive(Serialize)]
struct Document {
    schema: u32,
    address: IpAddr,
    trusted: bool,
    prefix: Option<IpNet>,
    action: Option<&'static str>,
    label: Option<String>,
    origin: Option<String>,
}

pub fn check(address: IpAddr, json: bool, pin_dir: &Path, output: &mut Output) -> anyhow::Result<ExitCode> {
    let filter = Instance::open(pin_dir)?;
    let deciding = filter.lists().deciding(filter.pins(), address)?;
    drop(filter);
    let deciding = deciding.as_ref();
    let trusted = deciding.is_some_and(|entry| entry.action == Action::Trust);
    if json {
        output.json(&Document {
            schema: SCHEMA,
            address,
            trusted,
            prefix: deciding.map(|entry| entry.prefix),
            action: deciding.map(|entry| entry.action.name()),
            label: deciding.map(|entry| entry.label.as_str().to_owned()),
            origin: deciding.map(|entry| entry.origin.as_str().to_owned()),
        })?;
    } else {
        let why = match deciding {
            None => "no prefix matches it".to_owned(),
            Some(entry) => {
                let label = match entry.label.as_str() {
                    "" => String::new(),
                    label => format!(" '{label}'"),
                };
                let origin = entry.origin.as_str();
                format!(
                    "the longest prefix that matches is the {} entry {}{label} ({origin})",
                    entry.action, entry.prefix
                )
            }
        };
        let answer = if trusted { "trusted" } else { "not trusted" };
        output.text(&format!("{address} is {answer}: {why}\n"))?;
    }
    Ok(if trusted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

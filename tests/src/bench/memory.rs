//! The kernel memory that a filter takes, measured in two ways.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::sides::Synwall;
use crate::lab::Output;

/// The bytes of all maps that the filter pins, and of their inner maps, as the kernel states them.
#[must_use]
pub fn of_maps(synwall: &Synwall) -> f64 {
    let all = bpftool(&["map", "show"]).unwrap_or_default();
    let sizes: HashMap<u64, u64> = all
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|map| Some((map["id"].as_u64()?, map["bytes_memlock"].as_u64()?)))
        .collect();
    let mut ids = HashSet::new();
    for pin in pins(synwall.pins()) {
        let pin = pin.display().to_string();
        // `bpftool` has no answer for a pin that is not a map (a link).
        let Some(map) = bpftool(&["map", "show", "pinned", &pin]) else {
            continue;
        };
        ids.extend(map["id"].as_u64());
        if map["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("_of_maps"))
        {
            let inner = bpftool(&["map", "dump", "pinned", &pin]).unwrap_or_default();
            ids.extend(inner.as_array().into_iter().flatten().filter_map(number));
        }
    }
    ids.iter().filter_map(|id| sizes.get(id)).sum::<u64>() as f64
}

/// The id of the inner map in an entry of an outer map. `bpftool` shows it byte by byte.
fn number(entry: &Value) -> Option<u64> {
    let bytes = entry["value"].as_array()?.iter().rev();
    bytes.into_iter().try_fold(0, |number, byte| {
        let byte = byte.as_str()?.trim_start_matches("0x");
        Some(number << 8 | u64::from_str_radix(byte, 16).ok()?)
    })
}

/// Bytes of kernel memory, of the kinds that maps consist of.
#[must_use]
pub fn kernel() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
    };
    let kinds = ["SUnreclaim:", "VmallocUsed:", "Percpu:"];
    kinds.into_iter().filter_map(of).sum::<f64>() * 1024.0
}

fn pins(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        match path.is_dir() {
            true => found.extend(pins(&path)),
            false => found.push(path),
        }
    }
    found
}

fn bpftool(arguments: &[&str]) -> Option<Value> {
    let output = Output::of(Command::new("bpftool").arg("-j").args(arguments));
    let answer: Value = serde_json::from_str(&output.stdout).ok()?;
    (output.code == Some(0)).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn an_inner_map_s_number_is_little_endian() {
        let entry = serde_json::json!({"key": ["0x00"], "value": ["0x95", "0xb9", "0x05", "0x00"]});
        assert_eq!(number(&entry), Some(0x05_b995));
    }
}

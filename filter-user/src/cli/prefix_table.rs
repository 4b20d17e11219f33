//! Configured prefixes as a table, for `stats` and `trust list`.

use std::time::Duration;

use filter_user::{model::duration, view::prefix::Prefix};

use super::output::{Column, grouped};

pub const COLUMNS: [Column; 8] = [
    Column::Text("PREFIX"),
    Column::Text("ACTION"),
    Column::Text("LABEL"),
    Column::Text("ORIGIN"),
    Column::Number("PACKETS"),
    Column::Number("BYTES"),
    Column::Number("LAST HIT"),
    Column::Number("EXPIRES"),
];

pub fn cells(prefix: &Prefix) -> [String; 8] {
    let seconds = |seconds: Option<u64>, suffix: &str| {
        let shown = |s| format!("{}{suffix}", duration::format(Duration::from_secs(s)));
        seconds.map_or_else(|| "-".to_owned(), shown)
    };
    let label = match prefix.label.as_str() {
        "" => "-",
        label => label,
    };
    [
        prefix.prefix.to_string(),
        prefix.action.name().to_owned(),
        label.to_owned(),
        prefix.origin.as_str().to_owned(),
        grouped(prefix.packets),
        grouped(prefix.bytes),
        seconds(prefix.last_hit_seconds, " ago"),
        seconds(prefix.expires_seconds, ""),
    ]
}

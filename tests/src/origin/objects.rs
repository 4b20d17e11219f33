//! The kernel objects of a filter, as `bpftool` reports them. This does not rely on synwall's own report.

use std::{
    collections::BTreeSet,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use aya::maps::MapInfo;
use serde_json::Value;

use super::{Origin, PINS, SOON, interface_pins, pins};
use crate::lab::Output;

/// The ids of everything that belongs to a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    /// The links of the filter.
    pub links: BTreeSet<u64>,
    /// The programs that the links run.
    pub programs: BTreeSet<u64>,
    /// The maps that the programs use, the pinned maps, and the inner maps of both.
    pub maps: BTreeSet<u64>,
}

fn bpftool(origin: &Origin, arguments: &[&str]) -> Value {
    let mut command = origin.site.origin.command("bpftool");
    Output::of(command.arg("-j").args(arguments)).json()
}

impl Objects {
    /// The objects of the filter in the default pin directory.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        let mut found = Self {
            links: BTreeSet::new(),
            programs: BTreeSet::new(),
            maps: BTreeSet::new(),
        };
        let links = interface_pins()
            .into_iter()
            .map(|directory| directory.join("link"));
        // A killed command may have left a directory without a link.
        for path in links.filter(|path| path.exists()) {
            let link = bpftool(
                origin,
                &[
                    "link",
                    "show",
                    "pinned",
                    path.to_str().expect("a path that is text"),
                ],
            );
            found.links.extend(link["id"].as_u64());
            let program = link["prog_id"].as_u64().expect("a program");
            found.programs.insert(program);
            let program = bpftool(origin, &["prog", "show", "id", &program.to_string()]);
            found.maps.extend(
                program["map_ids"]
                    .as_array()
                    .expect("maps")
                    .iter()
                    .filter_map(Value::as_u64),
            );
        }
        for path in pins(Path::new(PINS))
            .iter()
            .filter(|path| path.is_file() && !path.ends_with("link"))
        {
            found
                .maps
                .insert(MapInfo::from_pin(path).expect("a map").id().into());
        }
        for outer in ["sources_v4", "sources_v6", "retired_v4", "retired_v6"] {
            let path = Path::new(PINS).join(outer);
            let inner = bpftool(
                origin,
                &[
                    "map",
                    "dump",
                    "pinned",
                    path.to_str().expect("a path that is text"),
                ],
            );
            let ids = inner
                .as_array()
                .expect("entries")
                .iter()
                .filter_map(|entry| entry["inner_map_id"].as_u64());
            found.maps.extend(ids);
        }
        found
    }

    /// The objects of both sets.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.links.extend(other.links);
        self.programs.extend(other.programs);
        self.maps.extend(other.maps);
        self
    }

    /// Fails unless all of these objects disappear soon. The kernel frees them in the background.
    #[track_caller]
    pub fn are_gone(&self, origin: &Origin) {
        let give_up = Instant::now() + SOON;
        loop {
            let left = [
                ("link", &self.links),
                ("prog", &self.programs),
                ("map", &self.maps),
            ]
            .map(|(kind, ours)| {
                let all = bpftool(origin, &[kind, "show"]);
                let all = all
                    .as_array()
                    .expect("a list")
                    .iter()
                    .filter_map(|object| object["id"].as_u64());
                all.filter(|id| ours.contains(id)).collect::<Vec<_>>()
            });
            if left.iter().all(Vec::is_empty) {
                return;
            }
            assert!(
                Instant::now() < give_up,
                "links, programs and maps are left: {left:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

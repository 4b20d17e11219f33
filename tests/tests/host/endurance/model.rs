//! The expected state of a filter after a series of commands: lists, settings and interfaces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use tests::{origin::Origin, random::Random};

/// The proxy's prefix. It is in every trusted list, so that the proxy is always served.
pub const PROXY: &str = "185.94.108.0/24";

/// The state of a filter that is visible from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Prefixes and labels of the lists `trust`, `deny` and `retire`.
    pub lists: [BTreeMap<String, String>; 3],
    /// The drop level, and the protected TCP and UDP ports.
    pub settings: [String; 3],
    /// The interfaces with the filter.
    pub interfaces: BTreeSet<String>,
}

const LISTS: [&str; 3] = ["trust", "deny", "retire"];

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, list) in LISTS.iter().zip(&self.lists) {
            let some: Vec<_> = list
                .iter()
                .take(5)
                .map(|(prefix, label)| format!("{prefix} {label}"))
                .collect();
            writeln!(f, "  {name}: {} prefixes: {}", list.len(), some.join(", "))?;
        }
        writeln!(f, "  {:?} on {:?}", self.settings, self.interfaces)
    }
}

impl State {
    /// The state that `status` and the lists show.
    pub fn of(origin: &Origin) -> Self {
        let status = origin.synwall("status --json").json();
        let names = status["interfaces"].as_array().expect("rows").iter();
        let state = Self {
            lists: LISTS.map(|list| prefixes(&origin.synwall(&format!("{list} list --json")).json())),
            settings: [
                status["drop"].as_str().expect("a level").to_owned(),
                status["tcp"].to_string(),
                status["udp"].to_string(),
            ],
            interfaces: names
                .map(|row| row["name"].as_str().expect("a name").to_owned())
                .collect(),
        };
        for (list, name) in state.lists.iter().zip(["trusted", "denied", "retired"]) {
            let counted = ["v4", "v6"].map(|version| status[name][version].as_u64().expect("a number"));
            assert_eq!(counted.iter().sum::<u64>(), list.len() as u64, "{status}");
        }
        state
    }
}

fn prefixes(document: &Value) -> BTreeMap<String, String> {
    let rows = document["prefixes"].as_array().expect("rows").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text(&row["prefix"]), text(&row["label"])))
        .collect()
}

/// A command, and the state after it.
#[derive(Clone, Debug)]
pub struct Step {
    pub arguments: String,
    pub after: State,
}

/// A random change that a running filter allows.
pub fn any_step(origin: &Origin, before: &State, random: &mut Random) -> Step {
    let mut after = before.clone();
    let list = random.below(3) as usize;
    let arguments = match random.below(10) {
        0 | 1 => {
            // The retired list is too short to be replaced as a whole.
            let list = list % 2;
            let (file, entries) = list_file(origin, list, random);
            after.lists[list] = entries;
            format!("{} replace {file}", LISTS[list])
        }
        2..=4 => {
            let (prefix, label) = (own_prefix(list, random), format!("label-{}", random.below(5)));
            after.lists[list].insert(prefix.clone(), label.clone());
            let time = ["", " --for 1h"][usize::from(list < 2 && random.below(3) == 0)];
            format!("{} add {prefix} --label {label}{time}", LISTS[list])
        }
        5 | 6 => {
            let present: Vec<_> = before.lists[list]
                .keys()
                .filter(|prefix| *prefix != PROXY)
                .collect();
            let many = (1 + random.below(3)) as usize;
            let chosen: BTreeSet<_> = (0..many)
                .filter_map(|_| present.get(random.below(present.len() as u64) as usize))
                .map(|prefix| (*prefix).clone())
                .collect();
            if chosen.is_empty() {
                return any_step(origin, before, random);
            }
            after.lists[list].retain(|prefix, _| !chosen.contains(prefix));
            let chosen: Vec<_> = chosen.into_iter().collect();
            format!("{} remove {}", LISTS[list], chosen.join(" "))
        }
        7 => {
            let level = ["unestablished", "all", "new"][random.below(3) as usize];
            let (tcp, udp) = [("80,443", "443"), ("80,443,8080", "none")][random.below(2) as usize];
            let udp_shown = if udp == "none" {
                String::new()
            } else {
                udp.to_owned()
            };
            after.settings = [level.into(), format!("[{tcp}]"), format!("[{udp_shown}]")];
            format!("set --drop {level} --tcp {tcp} --udp {udp}")
        }
        _ if before.interfaces.contains("eth1") => {
            after.interfaces.remove("eth1");
            "down eth1".to_owned()
        }
        _ => {
            after.interfaces.insert("eth1".into());
            "up eth1".to_owned()
        }
    };
    Step { arguments, after }
}

/// A prefix that no host of the laboratory is in. Each list has its own range.
fn own_prefix(list: usize, random: &mut Random) -> String {
    let number = random.below(40);
    match (list, number % 2) {
        (0, 0) => format!("10.1.{number}.0/24"),
        (0, _) => format!("2001:db8:1:{number:x}::/64"),
        (1, 0) => format!("10.2.{number}.0/24"),
        (1, _) => format!("2001:db8:2:{number:x}::/64"),
        (_, 0) => format!("10.3.0.{number}/32"),
        _ => format!("2001:db8:3::{number:x}/128"),
    }
}

/// A file with up to 1,500 prefixes.
fn list_file(origin: &Origin, list: usize, random: &mut Random) -> (String, BTreeMap<String, String>) {
    let mut entries = BTreeMap::new();
    if list == 0 {
        entries.insert(PROXY.to_owned(), "qrator".to_owned());
    }
    let (many, first) = (random.below(1500), random.below(5000));
    for number in first..first + many {
        let network = format!("1{}.{}.{}.0/24", 1 + list, number >> 8, number & 255);
        entries.insert(network, format!("label-{}", number % 7));
    }
    let text: String = entries
        .iter()
        .map(|(prefix, label)| format!("{prefix} {label}\n"))
        .collect();
    let path = origin.site.lab.directory().join("list");
    fs::write(&path, text).expect("a file");
    (path.display().to_string(), entries)
}

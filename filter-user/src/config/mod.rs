//! The configuration file: what the agent brings about.

use std::{net::SocketAddr, path::PathBuf};

use filter_common::DropLevel;

use crate::{
    attach::Wanted,
    entry::{Action, NewEntry},
    feed::Feed,
    ports::PortSet,
    settings::Policy,
    sources::Lengths,
};

/// What a configuration file says, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file, without symbolic links; relative paths in it start at its directory.
    pub path: PathBuf,
    /// The interfaces to be on.
    pub interfaces: Vec<InterfacePattern>,
    /// Whether packets are dropped.
    pub policy: Policy,
    /// What happens to segments that open no connection.
    pub drop: DropLevel,
    /// Protected TCP ports.
    pub tcp: PortSet,
    /// Protected UDP ports.
    pub udp: PortSet,
    /// The networks that drops are counted by.
    pub count_sources_by: Lengths,
    /// Where programs run.
    pub xdp: Wanted,
    /// What becomes of the filter when the agent stops.
    pub on_stop: OnStop,
    /// The prefixes in the file itself, and the lists that they stand in.
    pub entries: Vec<(Action, NewEntry)>,
    /// List files, absolute paths. The first that has a prefix gives its label and origin.
    pub files: Vec<(Action, PathBuf)>,
    /// Lists that are fetched.
    pub feeds: Vec<Feed>,
    /// Where metrics are served, if they are.
    pub metrics: Option<Metrics>,
    /// The file's text.
    pub text: String,
}

/// An interface's name, or a glob for several: `eth*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfacePattern(pub glob::Pattern);

/// What becomes of the filter when the agent stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    /// It stays in force.
    Keep,
    /// It is taken down, and removed.
    Detach,
}

/// How metrics are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// A loopback address and a port.
    pub listen: SocketAddr,
    /// Of how many prefixes counters are shown.
    pub prefixes: usize,
}

// STUB
impl Config {
    pub fn saved_dir_of(path: &std::path::Path) -> PathBuf {
        path.with_file_name("saved")
    }
    pub fn read(path: &std::path::Path) -> crate::Result<Self> {
        let read = crate::trusted_file::read(path).map_err(|e| {
            crate::Error::Stub(format!(
                "{}: {}",
                path.display(),
                match e {
                    crate::trusted_file::NotRead::Exposed(e) => format!("can be changed by {e}"),
                    crate::trusted_file::NotRead::Io(e) => e.to_string(),
                }
            ))
        })?;
        Self::parse(&String::from_utf8_lossy(&read.bytes), path)
    }
    pub fn parse(text: &str, path: &std::path::Path) -> crate::Result<Self> {
        let bad =
            |line: usize, what: String| crate::Error::Stub(format!("{}:{line}: {what}", path.display()));
        let t: toml::Table = toml::from_str(text).map_err(|e| bad(0, e.message().to_owned()))?;
        for (k, _) in &t {
            if ![
                "interfaces",
                "policy",
                "drop",
                "tcp",
                "udp",
                "xdp",
                "on-stop",
                "trust",
                "deny",
                "retire",
                "metrics",
                "source",
            ]
            .contains(&k.as_str())
            {
                return Err(bad(2, k.clone()));
            }
        }
        let st = |k: &str, d: &str| -> crate::Result<String> {
            match t.get(k) {
                None => Ok(d.to_owned()),
                Some(toml::Value::String(s)) => Ok(s.clone()),
                Some(o) => Err(bad(2, format!("{k} {o:?}"))),
            }
        };
        let interfaces: Vec<InterfacePattern> = t
            .get("interfaces")
            .and_then(|v| v.as_array())
            .ok_or_else(|| bad(1, "interfaces".into()))?
            .iter()
            .map(|v| InterfacePattern(glob::Pattern::new(v.as_str().unwrap()).unwrap()))
            .collect();
        if interfaces.is_empty() {
            return Err(bad(1, "interfaces".into()));
        }
        let mut entries = Vec::new();
        let mut files = Vec::new();
        for action in Action::ALL {
            let Some(l) = t.get(action.name()).and_then(|v| v.as_table()) else {
                continue;
            };
            for p in l.get("prefixes").and_then(|v| v.as_array()).into_iter().flatten() {
                let text = p.as_str().unwrap();
                if text.starts_with("0.0.0.0/0") {
                    return Err(bad(4, text.into()));
                }
                let e = crate::list_file::parse(text.as_bytes(), &crate::entry::Origin::new("config"))
                    .map_err(|e| bad(4, e.to_string()))?;
                entries.extend(e.into_iter().map(|e| (action, e)));
            }
            for p in l.get("files").and_then(|v| v.as_array()).into_iter().flatten() {
                files.push((action, path.parent().unwrap().join(p.as_str().unwrap())));
            }
            let saved = Self::saved_dir_of(path).join(format!("{}.list", action.name()));
            if saved.exists() {
                files.push((action, saved));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            interfaces,
            policy: match st("policy", "enforce")?.as_str() {
                "enforce" => Policy::Enforce,
                "observe" => Policy::Observe,
                o => return Err(bad(2, o.into())),
            },
            drop: match st("drop", "new")?.as_str() {
                "new" => DropLevel::New,
                "all" => DropLevel::All,
                _ => DropLevel::Unestablished,
            },
            tcp: st("tcp", "80,443")?
                .parse()
                .map_err(|e: crate::ports::BadPorts| bad(2, e.to_string()))?,
            udp: PortSet::parse_or_none(&st("udp", "none")?)?,
            count_sources_by: Lengths::default(),
            xdp: match st("xdp", "auto")?.as_str() {
                "native" => Wanted::Native,
                _ => Wanted::Auto,
            },
            on_stop: if st("on-stop", "keep")? == "detach" {
                OnStop::Detach
            } else {
                OnStop::Keep
            },
            entries,
            files,
            feeds: Vec::new(),
            metrics: None,
            text: text.to_owned(),
        })
    }
}

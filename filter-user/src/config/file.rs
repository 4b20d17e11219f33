//! The configuration file as it is written: its keys, and where in it their values stand. What they mean is checked in
//! [`super::meaning`]; the reference in `docs/configuration.md` is made of the comments here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    /// The interfaces to be on: names, or globs such as `eth*`. The name of a bond stands for its members. `lo` is meant only
    /// where it is named in full. Those that are not there yet get the filter when they appear.
    #[schemars(with = "Vec<String>")]
    pub interfaces: Spanned<Vec<Spanned<String>>>,
    /// `enforce` drops; `observe` counts what would be dropped, and lets it pass. Default: `enforce`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub policy: Option<Spanned<String>>,
    /// What happens to TCP segments from untrusted sources that open no connection: `new` passes them, `unestablished` passes
    /// those of connections that this host has, `all` drops them. Default: `new`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub drop: Option<Spanned<String>>,
    /// Protected TCP ports, such as `80,443,8000-8010`. Default: `80,443`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub tcp: Option<Spanned<String>>,
    /// Protected UDP ports, or `none`. Name 443 where the server speaks HTTP/3. Default: `none`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub udp: Option<Spanned<String>>,
    /// Where the program runs: `native` in the driver, `generic` in the kernel's generic hook, `auto` in the driver if it
    /// can. An interface that has the filter already keeps its mode. Default: `auto`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub xdp: Option<Spanned<String>>,
    /// The lengths of the source networks that drops are counted by, IPv4 and IPv6. A filter that runs keeps its own.
    /// Default: `24,48`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub count_sources_by: Option<Spanned<String>>,
    /// What becomes of the filter when the agent is stopped: `keep` leaves it in force, `detach` takes it down. Default: `keep`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub on_stop: Option<Spanned<String>>,
    /// Sources whose connections get through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// Sources that are dropped although a wider prefix is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny: Option<List>,
    /// Former addresses of this host: they answer nothing, whatever the protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire: Option<List>,
    /// A list that is fetched. NAME has small letters, digits, `-` and `_`, 31 at the most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Source>")]
    pub source: BTreeMap<String, Spanned<Source>>,
    /// Where metrics are served. Without this table they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

/// The list of trusted sources.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Trust {
    /// Prefixes, each as on a line of a list file: `198.51.100.0/24 office`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub prefixes: Vec<Spanned<String>>,
    /// List files. A path that is not absolute starts at the directory of this file.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub files: Vec<Spanned<String>>,
    /// Providers whose published networks are trusted: `qrator`, `cloudflare`, … ([providers.md](providers.md)).
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub providers: Vec<Spanned<String>>,
}

/// Another list.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct List {
    /// Prefixes, each as on a line of a list file: `198.51.100.66 scanner`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub prefixes: Vec<Spanned<String>>,
    /// List files. A path that is not absolute starts at the directory of this file.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub files: Vec<Spanned<String>>,
}

/// A list that is fetched.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Source {
    /// The list that its prefixes go to: `trust`, `deny` or `retire`. Default: `trust`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub list: Option<Spanned<String>>,
    /// The label of prefixes that come without one. Default: the source's name
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub label: Option<Spanned<String>>,
    /// It is a known provider's; the other keys change how that is fetched. `https` may name a mirror then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub provider: Option<Spanned<String>>,
    /// It comes from a web server. Of `provider`, `https`, `file`, `dns-txt` and `exec` there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub https: Option<Spanned<String>>,
    /// It is a file that something else writes. Unlike `files` of a list, it has an interval, guards and a grace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub file: Option<Spanned<String>>,
    /// It is in the TXT records of a name, as `ip4:`, `ip6:` and `include:` (RFC 7208).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub dns_txt: Option<Spanned<String>>,
    /// It is what a program prints: its absolute path, and its arguments. No shell is involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<String>>")]
    pub exec: Option<Spanned<Vec<String>>>,
    /// Where in a JSON document the prefixes are. Without it, it is a list file: a prefix a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Selection>>")]
    pub json: Option<Spanned<Vec<Selection>>>,
    /// With `https`: a form that is sent (`key=value&…`). Without it, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub post: Option<Spanned<String>>,
    /// With `https`: certificates (PEM) that are trusted in the place of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Spanned<String>>,
    /// With `dns-txt`: the server that is asked, `ADDRESS:PORT`. Default: those in `/etc/resolv.conf`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub server: Option<Spanned<String>>,
    /// From one attempt to the next. Default: `1h`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub interval: Option<Spanned<String>>,
    /// Up to so much is added to an interval at random. Default: `5m`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub jitter: Option<Spanned<String>>,
    /// How long an attempt may take. Default: `30s`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Spanned<String>>,
    /// How long a prefix stays that the list no longer has. Default: `1h`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub grace: Option<Spanned<String>>,
}

/// Where in a JSON document prefixes are.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Selection {
    /// An array in the document (RFC 6901): `/result/ipv4_cidrs`.
    #[schemars(with = "String")]
    pub pointer: Spanned<String>,
    /// Where its elements are objects: the member that is a prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Members that an object must have to count, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
}

/// How metrics are served.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Metrics {
    /// A loopback address and a port, such as `127.0.0.1:9436`.
    #[schemars(with = "String")]
    pub listen: Spanned<String>,
    /// Of how many prefixes counters are shown: those with the most packets. Default: 1000
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u32>")]
    pub prefixes: Option<Spanned<u32>>,
}

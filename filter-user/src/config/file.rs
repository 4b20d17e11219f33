//! The keys of the configuration file. Each value has its place in the text.
//!
//! The reference ([`super::reference`]), the schema for editors ([`super::schema`]) and the examples in messages are generated
//! from the comments and attributes here. Each key has an example line, its type in words, and its default if it has one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The value of an optional key, with its place.
pub type Field<T> = Option<Spanned<T>>;
/// An optional string.
pub type Text = Field<String>;
/// An optional list of strings, each with its place.
pub type Texts = Field<Vec<Spanned<String>>>;

// What editors check of a value (see `schema`). Each pattern takes everything that the program takes.

/// Ports and ranges.
const PORTS: &str = r"^\s*[0-9]+\s*(-\s*[0-9]+\s*)?(,\s*[0-9]+\s*(-\s*[0-9]+\s*)?)*$";
/// Two prefix lengths.
const LENGTHS: &str = r"^\s*/*\+?[0-9]+\s*,\s*/*\+?[0-9]+\s*$";
/// A socket address.
const ADDRESS_AND_PORT: &str = r"^([0-9.]+|\[[0-9A-Fa-f:.%]+\]):[0-9]+$";
/// A prefix, and what may stand behind it.
const PREFIX: &str = r"^\s*[0-9A-Fa-f:.]+(/[0-9]+)?(\s|#|$)";
/// Numbers with units. A capital M, for months, is none.
const TIME: &str = r"^(0|\s*([0-9][0-9.\s]*[a-zµ]+\s*)+)$";

/// A configuration file.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// The interfaces where traffic arrives: names, or patterns with `*` (any characters), `?` (one) and `[…]` (one of
    /// several). An interface that does not exist yet is protected when it appears. A bond stands for its members. A
    /// pattern never matches the loopback interface; its full name does.
    #[schemars(with = "Vec<String>")]
    #[schemars(extend("x-type" = "list of names", "x-default" = "required"))]
    #[schemars(example = r#"interfaces = ["eth0", "ens*"]"#)]
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub interfaces: Texts,
    /// `enforce` drops packets. `observe` passes them and counts what would be dropped.
    #[schemars(with = "String", extend("x-type" = "`observe` or `enforce`", "x-default" = "\"enforce\""))]
    #[schemars(example = r#"policy = "observe""#)]
    #[schemars(extend("enum" = ["enforce", "observe"]))]
    pub policy: Text,
    /// What happens to TCP segments from untrusted sources that open no connection. `new` passes them. `unestablished`
    /// passes them only if this host has a connection that they belong to. `all` drops them.
    #[schemars(with = "String", extend("x-type" = "`new`, `unestablished` or `all`", "x-default" = "\"new\""))]
    #[schemars(example = r#"drop = "unestablished""#)]
    #[schemars(extend("enum" = ["new", "unestablished", "all"]))]
    pub drop: Text,
    /// Protected TCP ports: numbers and ranges, separated by commas.
    #[schemars(with = "String", extend("x-type" = "ports", "x-default" = "\"80,443\""))]
    #[schemars(example = r#"tcp = "80,443,8000-8010""#)]
    #[schemars(extend("pattern" = PORTS))]
    pub tcp: Text,
    /// Protected UDP ports, written like `tcp`, or `none`. HTTP/3 needs `443`.
    #[schemars(with = "String", extend("x-type" = "ports, or `none`", "x-default" = "\"none\""))]
    #[schemars(example = r#"udp = "443""#)]
    #[schemars(extend("pattern" = format!("{PORTS}|^none$")))]
    pub udp: Text,
    /// Where the program runs. `native`: in the driver. `generic`: in the kernel's hook for any interface, at a higher
    /// cost per packet. `auto`: in the driver if it can. An interface that has the filter keeps its mode.
    #[schemars(with = "String", extend("x-type" = "`auto`, `native` or `generic`", "x-default" = "\"auto\""))]
    #[schemars(example = r#"xdp = "native""#)]
    #[schemars(extend("enum" = ["auto", "native", "generic"]))]
    pub xdp: Text,
    /// Prefix lengths by which drops are counted: IPv4 (8 to 32 bits), IPv6 (16 to 64 bits). A filter keeps the lengths
    /// of its set-up.
    #[schemars(with = "String", extend("x-type" = "two lengths in bits", "x-default" = "\"24,48\""))]
    #[schemars(example = r#"count-sources-by = "32,64""#)]
    #[schemars(extend("pattern" = LENGTHS))]
    pub count_sources_by: Text,
    /// What happens to the filter when the agent ends. `keep` leaves it in force. `detach` takes it down.
    #[schemars(with = "String", extend("x-type" = "`keep` or `detach`", "x-default" = "\"keep\""))]
    #[schemars(example = r#"on-stop = "detach""#)]
    #[schemars(extend("enum" = ["keep", "detach"]))]
    pub on_stop: Text,
    /// Sources whose connections get through.
    #[schemars(with = "Trust")]
    pub trust: Option<Trust>,
    /// Sources to drop although a wider prefix is trusted.
    #[schemars(with = "List")]
    pub deny: Option<List>,
    /// Former addresses of this host. They answer nothing, on any port and protocol, SSH included.
    #[schemars(with = "List")]
    pub retire: Option<List>,
    /// A list that is fetched at intervals. NAME is your name for the source: letters a to z, digits, `-` and `_`, up
    /// to 31 bytes. It is also the label of its prefixes. Exactly one of `provider`, `https`, `file`, `dns-txt` and
    /// `exec` says where the list comes from; with `provider`, `https` may name a mirror. New prefixes take effect at
    /// once. Prefixes that leave the list are removed after `grace`. A list that is empty, far too wide, far too long,
    /// or lost half of its addresses is refused (see providers.md).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Source>")]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]{1,31}$" }))]
    pub source: BTreeMap<String, Spanned<Source>>,
    /// `/metrics` for Prometheus, and `/healthz`. Without this section the agent serves nothing.
    #[schemars(with = "Metrics")]
    pub metrics: Field<Metrics>,
}

/// The section `[trust]`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trust {
    /// Prefixes, written as in a list file: an address or a prefix, and optionally a label of up to 31 bytes.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of prefixes", "x-default" = "[]"))]
    #[schemars(example = r#"prefixes = ["198.51.100.0/24 office", "2001:db8::/32"]"#)]
    #[schemars(inner(regex(pattern = PREFIX)))]
    pub prefixes: Texts,
    /// List files: one prefix on each line, an optional label behind it, `#` starts a comment. A relative path starts
    /// at the directory of the configuration file. A change takes effect like a change of this file.
    /// `saved/trust.list`, `saved/deny.list` and `saved/retire.list` in that directory are always read: `--save` writes
    /// them.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of paths", "x-default" = "[]"))]
    #[schemars(example = r#"files = ["office.txt"]"#)]
    pub files: Texts,
    /// Providers whose published networks are trusted. For other times or a mirror, use a section `[source.NAME]` with
    /// `provider`.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of names", "x-default" = "[]"))]
    #[schemars(example = r#"providers = ["qrator"]"#)]
    pub providers: Texts,
}

/// The sections `[deny]` and `[retire]`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct List {
    /// As in `[trust]`.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of prefixes", "x-default" = "[]"))]
    #[schemars(example = r#"prefixes = ["203.0.113.10 name"]"#)]
    #[schemars(inner(regex(pattern = PREFIX)))]
    pub prefixes: Texts,
    /// As in `[trust]`.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of paths", "x-default" = "[]"))]
    #[schemars(example = r#"files = ["more.txt"]"#)]
    pub files: Texts,
}

/// A section `[source.NAME]`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// The list that its prefixes go to.
    #[schemars(with = "String", extend("x-type" = "`trust`, `deny` or `retire`", "x-default" = "\"trust\""))]
    #[schemars(example = r#"list = "deny""#)]
    #[schemars(extend("enum" = ["trust", "deny", "retire"]))]
    pub list: Text,
    /// A known provider. The other keys of this section change its defaults.
    #[schemars(with = "String", extend("x-type" = "name"))]
    #[schemars(example = r#"provider = "qrator""#)]
    pub provider: Text,
    /// The URL of a list. With `provider`: the URL of a mirror that serves the provider's list in the same format.
    #[schemars(with = "String", extend("x-type" = "URL"))]
    #[schemars(example = r#"https = "https://lists.example/ips.txt""#)]
    #[schemars(extend("pattern" = "^https://"))]
    pub https: Text,
    /// A file that another program writes. A relative path starts at the directory of the configuration file. Unlike a
    /// list file, it is read at intervals, checked by the guards, and may be JSON.
    #[schemars(with = "String", extend("x-type" = "path"))]
    #[schemars(example = r#"file = "from-the-proxy.json""#)]
    pub file: Text,
    /// A name whose TXT records have `ip4:`, `ip6:` and `include:` terms in SPF syntax (RFC 7208).
    #[schemars(with = "String", extend("x-type" = "domain name"))]
    #[schemars(example = r#"dns-txt = "_networks.example""#)]
    #[schemars(extend("pattern" = "^[0-9A-Za-z_.-]+$"))]
    pub dns_txt: Text,
    /// The absolute path of a program, and its arguments. Its output is the list. There is no shell, except that a
    /// script without a `#!` line runs in `/bin/sh`.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of strings"))]
    #[schemars(example = r#"exec = ["/usr/local/bin/proxy-networks", "--json"]"#)]
    #[schemars(extend("minItems" = 1))]
    pub exec: Texts,
    /// For `https`, `file` and `exec`: the list is JSON, and this key says where the prefixes are. Without it the list
    /// is plain text, like a list file.
    #[schemars(with = "Vec<Json>", extend("x-type" = "list of selections, see below"))]
    #[schemars(extend("x-default" = "plain text"))]
    #[schemars(
        example = r#"json = [{ pointer = "/prefixes", member = "ip_prefix", with = { service = "EDGE" } }]"#
    )]
    #[schemars(extend("minItems" = 1))]
    pub json: Field<Vec<Spanned<Json>>>,
    /// For `https`: the form of a POST request. Without it the request is a GET.
    #[schemars(with = "String", extend("x-type" = "string"))]
    #[schemars(example = r#"post = "resp_format=json""#)]
    pub post: Text,
    /// For `https`: a file with certificates (PEM) to trust instead of the system's. A relative path starts at the
    /// directory of the configuration file.
    #[schemars(with = "String", extend("x-type" = "path", "x-default" = "the system's"))]
    #[schemars(example = r#"ca-file = "private-ca.pem""#)]
    pub ca_file: Text,
    /// For `dns-txt`: the DNS server to ask.
    #[schemars(with = "String", extend("x-type" = "address and port"))]
    #[schemars(extend("x-default" = "those in `/etc/resolv.conf`"))]
    #[schemars(example = r#"server = "127.0.0.1:53""#)]
    #[schemars(extend("pattern" = ADDRESS_AND_PORT))]
    pub server: Text,
    /// The time between two fetches, at least `1s`.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"30m\""))]
    #[schemars(example = r#"interval = "10m""#)]
    #[schemars(extend("pattern" = TIME))]
    pub interval: Text,
    /// The agent adds a random time up to this to each interval, so that hosts do not ask at the same moment.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"5m\""))]
    #[schemars(example = r#"jitter = "1m""#)]
    #[schemars(extend("pattern" = TIME))]
    pub jitter: Text,
    /// The time limit of a whole fetch, at least `100ms`.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"30s\""))]
    #[schemars(example = r#"timeout = "10s""#)]
    #[schemars(extend("pattern" = TIME))]
    pub timeout: Text,
    /// How long a prefix stays in force after it left the list.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"1h\""))]
    #[schemars(example = r#"grace = "24h""#)]
    #[schemars(extend("pattern" = TIME))]
    pub grace: Text,
}

/// One of the selections of `json`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Json {
    /// The array that has the prefixes, as a JSON pointer (RFC 6901). The empty string is the whole document.
    #[schemars(with = "String", extend("x-type" = "JSON pointer", "x-default" = "required"))]
    #[schemars(example = r#"pointer = "/result/ipv4_cidrs""#)]
    #[schemars(extend("pattern" = "^(/|$)"))]
    pub pointer: Text,
    /// If the array has objects: the name of the member with the prefix.
    #[schemars(with = "String", extend("x-type" = "string"))]
    #[schemars(extend("x-default" = "the elements are the prefixes"))]
    #[schemars(example = r#"member = "ip_prefix""#)]
    pub member: Text,
    /// Members and values that an object must have. Other objects are skipped.
    #[schemars(with = "BTreeMap<String, String>", extend("x-type" = "table of strings", "x-default" = "{}"))]
    #[schemars(example = r#"with = { service = "EDGE" }"#)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
}

/// The section `[metrics]`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metrics {
    /// An address of this host's loopback interface, and a port.
    #[schemars(with = "String", extend("x-type" = "address and port", "x-default" = "required"))]
    #[schemars(example = r#"listen = "127.0.0.1:9436""#)]
    #[schemars(extend("pattern" = ADDRESS_AND_PORT))]
    pub listen: Text,
    /// How many prefixes get counters of their own. Those with the most packets come first.
    #[schemars(with = "u32", extend("x-type" = "number", "x-default" = "1000"))]
    #[schemars(example = "prefixes = 100")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub prefixes: Field<u32>,
}

/// A string as the value of a key, for a file that is printed.
pub(super) fn text(value: impl Into<String>) -> Text {
    Some(field(value.into()))
}

/// A value without a place in a text.
pub(super) fn field<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// A list as the value of a key, for a file that is printed.
pub(super) fn fields<T>(values: impl IntoIterator<Item = T>) -> Field<Vec<Spanned<T>>> {
    Some(field(values.into_iter().map(field).collect()))
}

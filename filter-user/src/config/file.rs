//! The configuration file as it is written: its keys, what each of them means, and where in the text its value stands.
//!
//! The reference ([`super::reference`]) is made of the comments here, and messages take their examples from here. Each key
//! has an example of the whole line, its type in words, and its default if there is one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// A value, if it is there, and where it stands.
pub type Field<T> = Option<Spanned<T>>;
/// A text, if it is there.
pub type Text = Field<String>;
/// Texts, each with its place, if they are there.
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
    /// The interfaces that traffic comes in on: names, or patterns with `*` (any number of characters), `?` (one) and
    /// `[…]` (one of several). Interfaces that are not there yet are protected when they appear. A bond stands for its
    /// members. The loopback interface is meant only where it is named in full.
    #[schemars(with = "Vec<String>")]
    #[schemars(extend("x-type" = "list of names", "x-default" = "required"))]
    #[schemars(example = r#"interfaces = ["eth0", "ens*"]"#)]
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub interfaces: Texts,
    /// Whether packets are dropped: `observe` lets them pass and counts what would be dropped, `enforce` drops them.
    #[schemars(with = "String", extend("x-type" = "`observe` or `enforce`", "x-default" = "\"enforce\""))]
    #[schemars(example = r#"policy = "observe""#)]
    #[schemars(extend("enum" = ["enforce", "observe"]))]
    pub policy: Text,
    /// What happens to TCP segments from untrusted sources that open no connection: `new` lets them pass, `unestablished`
    /// only if this host has a connection that they belong to, `all` drops them.
    #[schemars(with = "String", extend("x-type" = "`new`, `unestablished` or `all`", "x-default" = "\"new\""))]
    #[schemars(example = r#"drop = "unestablished""#)]
    #[schemars(extend("enum" = ["new", "unestablished", "all"]))]
    pub drop: Text,
    /// Protected TCP ports: numbers and ranges, separated by commas.
    #[schemars(with = "String", extend("x-type" = "ports", "x-default" = "\"80,443\""))]
    #[schemars(example = r#"tcp = "80,443,8000-8010""#)]
    #[schemars(extend("pattern" = PORTS))]
    pub tcp: Text,
    /// Protected UDP ports, likewise, or `none`. A web server that speaks HTTP/3 needs `443`.
    #[schemars(with = "String", extend("x-type" = "ports, or `none`", "x-default" = "\"none\""))]
    #[schemars(example = r#"udp = "443""#)]
    #[schemars(extend("pattern" = format!("{PORTS}|^none$")))]
    pub udp: Text,
    /// Where the program runs: `native` in the driver, `generic` in the kernel's hook for any interface, at a higher
    /// cost per packet, `auto` in the driver if it can. An interface that has the filter keeps the mode it has.
    #[schemars(with = "String", extend("x-type" = "`auto`, `native` or `generic`", "x-default" = "\"auto\""))]
    #[schemars(example = r#"xdp = "native""#)]
    #[schemars(extend("enum" = ["auto", "native", "generic"]))]
    pub xdp: Text,
    /// The networks that drops are counted by: the length of an IPv4 prefix (8 to 32 bits) and of an IPv6 prefix (16 to
    /// 64 bits). A filter keeps the lengths that it was set up with.
    #[schemars(with = "String", extend("x-type" = "two lengths in bits", "x-default" = "\"24,48\""))]
    #[schemars(example = r#"count-sources-by = "32,64""#)]
    #[schemars(extend("pattern" = LENGTHS))]
    pub count_sources_by: Text,
    /// What becomes of the filter when the agent ends: `keep` leaves it in force, `detach` takes it down.
    #[schemars(with = "String", extend("x-type" = "`keep` or `detach`", "x-default" = "\"keep\""))]
    #[schemars(example = r#"on-stop = "detach""#)]
    #[schemars(extend("enum" = ["keep", "detach"]))]
    pub on_stop: Text,
    /// Sources whose connections get through.
    #[schemars(with = "Trust")]
    pub trust: Option<Trust>,
    /// Sources that do not get through although a wider prefix is trusted.
    #[schemars(with = "List")]
    pub deny: Option<List>,
    /// Former addresses of this host: they answer nothing, whatever the port and the protocol, SSH included.
    #[schemars(with = "List")]
    pub retire: Option<List>,
    /// Lists that somebody else keeps, fetched again and again. What follows the dot is the name that you give to the
    /// source: letters from a to z, digits, `-` and `_`, 31 bytes at the most; it is the label of its prefixes, too.
    /// Exactly one of `provider`, `https`, `file`, `dns-txt` and `exec` says where it comes from (with `provider`, `https`
    /// may name a mirror). New prefixes are taken at once; those that the list no longer has go after `grace`. A list that
    /// is empty, has a prefix of length 0, or has shrunk to less than half is not taken.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Source>")]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]{1,31}$" }))]
    pub source: BTreeMap<String, Spanned<Source>>,
    /// Numbers for Prometheus, at `/metrics`, and `/healthz`. Nothing is served without this section.
    #[schemars(with = "Metrics")]
    pub metrics: Field<Metrics>,
}

/// The section `[trust]`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trust {
    /// Prefixes, each as on a line of a list file: an address or a prefix, and what you call it, if you like (31 bytes
    /// at the most).
    #[schemars(with = "Vec<String>", extend("x-type" = "list of prefixes", "x-default" = "[]"))]
    #[schemars(example = r#"prefixes = ["198.51.100.0/24 office", "2001:db8::/32"]"#)]
    #[schemars(inner(regex(pattern = PREFIX)))]
    pub prefixes: Texts,
    /// List files: a prefix on each line, an optional label behind it, `#` starts a comment. A relative path starts at the
    /// directory of the configuration file. A change is put in force as soon as the file is written. The files `saved/trust.list`,
    /// `saved/deny.list` and `saved/retire.list` in that directory are always read: that is where
    /// `synwall trust add --save` writes.
    #[schemars(with = "Vec<String>", extend("x-type" = "list of paths", "x-default" = "[]"))]
    #[schemars(example = r#"files = ["office.txt"]"#)]
    pub files: Texts,
    /// Providers whose published networks are trusted. A section `[source.NAME]` with `provider` does the same, with
    /// other times, or through a mirror.
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
    /// A provider that is known here, with some of the keys below changed.
    #[schemars(with = "String", extend("x-type" = "name"))]
    #[schemars(example = r#"provider = "qrator""#)]
    pub provider: Text,
    /// The address of a list on a web server. With `provider`: of a mirror that has the provider's list in the same form.
    #[schemars(with = "String", extend("x-type" = "address"))]
    #[schemars(example = r#"https = "https://lists.example/ips.txt""#)]
    #[schemars(extend("pattern" = "^https://"))]
    pub https: Text,
    /// A file that something else writes. A relative path starts at the directory of the configuration file. Unlike
    /// a list file it is read at intervals, guarded, and may be JSON.
    #[schemars(with = "String", extend("x-type" = "path"))]
    #[schemars(example = r#"file = "from-the-proxy.json""#)]
    pub file: Text,
    /// A name whose TXT records have `ip4:`, `ip6:` and `include:` terms, as SPF has them (RFC 7208).
    #[schemars(with = "String", extend("x-type" = "domain name"))]
    #[schemars(example = r#"dns-txt = "_networks.example""#)]
    #[schemars(extend("pattern" = "^[0-9A-Za-z_.-]+$"))]
    pub dns_txt: Text,
    /// A program, by its absolute path, and its arguments: what it prints is the list. No shell is involved (but a script without a `#!` line is run by `/bin/sh`).
    #[schemars(with = "Vec<String>", extend("x-type" = "list of texts"))]
    #[schemars(example = r#"exec = ["/usr/local/bin/proxy-networks", "--json"]"#)]
    #[schemars(extend("minItems" = 1))]
    pub exec: Texts,
    /// Of `https`, `file` and `exec`: the list is a JSON document, and this says where in it the prefixes are. Without
    /// this key it is plain text, as a list file.
    #[schemars(with = "Vec<Json>", extend("x-type" = "list of selections, see below"))]
    #[schemars(extend("x-default" = "plain text"))]
    #[schemars(
        example = r#"json = [{ pointer = "/prefixes", member = "ip_prefix", with = { service = "EDGE" } }]"#
    )]
    #[schemars(extend("minItems" = 1))]
    pub json: Field<Vec<Spanned<Json>>>,
    /// Of `https`: a form that is sent in a POST request. Without it, the list is asked for with GET.
    #[schemars(with = "String", extend("x-type" = "text"))]
    #[schemars(example = r#"post = "resp_format=json""#)]
    pub post: Text,
    /// Of `https`: a file with certificates (PEM) to trust in the place of the system's. A relative path starts at the
    /// directory of the configuration file.
    #[schemars(with = "String", extend("x-type" = "path", "x-default" = "the system's"))]
    #[schemars(example = r#"ca-file = "private-ca.pem""#)]
    pub ca_file: Text,
    /// Of `dns-txt`: the DNS server that is asked, an address and a port.
    #[schemars(with = "String", extend("x-type" = "address and port"))]
    #[schemars(extend("x-default" = "those in `/etc/resolv.conf`"))]
    #[schemars(example = r#"server = "127.0.0.1:53""#)]
    #[schemars(extend("pattern" = ADDRESS_AND_PORT))]
    pub server: Text,
    /// The time from one attempt to the next, a second at the least.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"30m\""))]
    #[schemars(example = r#"interval = "10m""#)]
    #[schemars(extend("pattern" = TIME))]
    pub interval: Text,
    /// Up to so much is added to an interval at random, so that not everybody asks at once.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"5m\""))]
    #[schemars(example = r#"jitter = "1m""#)]
    #[schemars(extend("pattern" = TIME))]
    pub jitter: Text,
    /// How long an attempt may take in all, `100ms` at the least.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"30s\""))]
    #[schemars(example = r#"timeout = "10s""#)]
    #[schemars(extend("pattern" = TIME))]
    pub timeout: Text,
    /// How long a prefix stays that the list no longer has.
    #[schemars(with = "String", extend("x-type" = "time", "x-default" = "\"1h\""))]
    #[schemars(example = r#"grace = "24h""#)]
    #[schemars(extend("pattern" = TIME))]
    pub grace: Text,
}

/// One of the selections of `json`.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Json {
    /// The array that has the prefixes, as a JSON pointer (RFC 6901). The empty text is the whole document.
    #[schemars(with = "String", extend("x-type" = "JSON pointer", "x-default" = "required"))]
    #[schemars(example = r#"pointer = "/result/ipv4_cidrs""#)]
    #[schemars(extend("pattern" = "^(/|$)"))]
    pub pointer: Text,
    /// If the array has objects: the member of each that is the prefix.
    #[schemars(with = "String", extend("x-type" = "text"))]
    #[schemars(extend("x-default" = "the elements are the prefixes"))]
    #[schemars(example = r#"member = "ip_prefix""#)]
    pub member: Text,
    /// Members that an object must have, with these values; others are passed over.
    #[schemars(with = "BTreeMap<String, String>", extend("x-type" = "table of texts", "x-default" = "{}"))]
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
    /// Of how many prefixes counters are shown, those with the most packets first.
    #[schemars(with = "u32", extend("x-type" = "number", "x-default" = "1000"))]
    #[schemars(example = "prefixes = 100")]
    #[schemars(extend("maximum" = u32::MAX))]
    pub prefixes: Field<u32>,
}

/// A text as the value of a key.
pub(super) fn text(value: impl Into<String>) -> Text {
    Some(field(value.into()))
}

/// A value that stands nowhere.
pub(super) fn field<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// Values of a key.
pub(super) fn fields<T>(values: impl IntoIterator<Item = T>) -> Field<Vec<Spanned<T>>> {
    Some(field(values.into_iter().map(field).collect()))
}

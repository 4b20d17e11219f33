//! A list that somebody else keeps: where it comes from, how it is written, when it is fetched.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;

use crate::model::entry::{Action, Label, Origin};

/// From one attempt to the next, unless told otherwise. The next one comes before the grace is over, so that one answer that
/// lacks a part costs nobody anything.
pub const INTERVAL: Duration = Duration::from_secs(1800);
/// Up to so much is added to it.
pub const JITTER: Duration = Duration::from_secs(300);
/// How long an attempt may take.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a prefix stays that the list no longer has.
pub const GRACE: Duration = Duration::from_secs(3600);
/// Bytes of an answer at the most: room for a quarter of a million prefixes in JSON.
pub const MAX_BYTES: usize = 16 << 20;

/// A list that somebody else keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What users call it: letters, digits, `-` and `_`; the name of its copy on disk.
    pub name: String,
    /// Where its entries say that they come from: `provider:NAME` or `source:NAME`.
    pub origin: Origin,
    /// The list that its prefixes go to.
    pub action: Action,
    /// The label of prefixes that come without one.
    pub label: Label,
    /// Where it comes from.
    pub location: Location,
    /// What it was when this version was made; empty where that is not known for certain.
    pub built_in: Vec<IpNet>,
    /// From one attempt to the next.
    pub interval: Duration,
    /// Up to so much is added to an interval at random.
    pub jitter: Duration,
    /// How long an attempt may take in all.
    pub timeout: Duration,
    /// How long a prefix stays that the list no longer has.
    pub grace: Duration,
}

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// It is built in, and nothing is fetched.
    BuiltIn,
    /// A web server.
    Https {
        /// Its address.
        url: String,
        /// Certificates (PEM) to trust in the place of the system's.
        ca_file: Option<PathBuf>,
        /// A form that is sent; without one, it is a GET request.
        post: Option<String>,
        /// How the answer is read.
        format: Format,
    },
    /// A file that something else writes.
    File {
        /// Its path.
        path: PathBuf,
        /// How it is read.
        format: Format,
    },
    /// TXT records with `ip4:`, `ip6:` and `include:` terms, as SPF has them (RFC 7208).
    DnsTxt {
        /// The name that is asked for.
        name: String,
        /// Who is asked; without one, those in `/etc/resolv.conf`.
        server: Option<SocketAddr>,
    },
    /// What a program prints.
    Exec {
        /// Its absolute path and its arguments.
        command: Vec<String>,
        /// How its output is read.
        format: Format,
    },
}

/// How a list is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// As a list file: a prefix a line.
    Text,
    /// Strings in a JSON document.
    Json(Vec<Selection>),
}

/// A part of a JSON document that has prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Which array (RFC 6901).
    pub pointer: String,
    /// Of the objects in it, the member that is the prefix; without one, its elements are.
    pub member: Option<String>,
    /// Members that an object must have, with these values.
    pub with: Vec<(String, String)>,
}

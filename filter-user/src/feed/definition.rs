//! The definition of a feed: where its list is, in which format, and when it is fetched.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;

use crate::model::entry::{Action, Label, Origin};

/// The default time between two fetches. It is shorter than the grace, so that one incomplete answer removes nothing.
pub const INTERVAL: Duration = Duration::from_secs(1800);
/// The default of the random time that is added to an interval.
pub const JITTER: Duration = Duration::from_secs(300);
/// The default time limit of a fetch.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// The default time that a prefix stays in force after it left the list.
pub const GRACE: Duration = Duration::from_secs(3600);
/// The largest answer in bytes: room for a quarter of a million prefixes in JSON.
pub const MAX_BYTES: usize = 16 << 20;

/// A list that others publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The user's name for it: letters, digits, `-` and `_`. Its copy on disk has the same name.
    pub name: String,
    /// The origin of its entries: `provider:NAME` or `source:NAME`.
    pub origin: Origin,
    /// The list that its prefixes go to.
    pub action: Action,
    /// The label of prefixes that come without one.
    pub label: Label,
    /// Where the list is.
    pub location: Location,
    /// The list when this version was released. Empty if it is not known for certain.
    pub built_in: Vec<IpNet>,
    /// The time between two fetches.
    pub interval: Duration,
    /// The random time that is added to an interval is shorter than this.
    pub jitter: Duration,
    /// The time limit of a whole fetch.
    pub timeout: Duration,
    /// How long a prefix stays in force after it left the list.
    pub grace: Duration,
}

/// Where a list is. The names of variants and fields are part of the fingerprint of a stored list: another name makes it
/// the list of another feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// Built in; nothing is fetched.
    BuiltIn,
    /// A web server.
    Https {
        /// The URL.
        url: String,
        /// Certificates (PEM) to trust instead of the system's.
        ca_file: Option<PathBuf>,
        /// The form of a POST request; without one, the request is a GET.
        post: Option<String>,
        /// The format of the answer.
        format: Format,
    },
    /// A file that another program writes.
    File {
        /// Its path.
        path: PathBuf,
        /// Its format.
        format: Format,
    },
    /// TXT records with `ip4:`, `ip6:` and `include:` terms, as SPF has them (RFC 7208).
    DnsTxt {
        /// The name to look up.
        name: String,
        /// The DNS server; without one, the servers in `/etc/resolv.conf`.
        server: Option<SocketAddr>,
    },
    /// The output of a program.
    Exec {
        /// The absolute path and the arguments.
        command: Vec<String>,
        /// The format of the output.
        format: Format,
    },
}

/// The format of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text, like a list file: one prefix on each line.
    Text,
    /// Strings in a JSON document.
    Json(Vec<Selection>),
}

/// A part of a JSON document that has prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The array, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// If the array has objects: the member with the prefix. Without it, the elements are prefixes.
    pub member: Option<String>,
    /// Members and values that an object must have.
    pub with: Vec<(String, String)>,
}

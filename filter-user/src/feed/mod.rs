//! Lists that somebody else keeps: fetched at intervals, checked, and kept on disk for the next boot.
//!
//! Users call them sources. In here that word has the networks that packets come from.

pub mod dns_txt;
pub mod exec;
pub mod https;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;

use crate::entry::{Action, Label, Origin};

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
    pub from: From,
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
pub enum From {
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

/// Why there is no new list.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A web server did not give it.
    #[error(transparent)]
    Https(#[from] https::HttpsError),
    /// DNS did not give it.
    #[error(transparent)]
    DnsTxt(#[from] dns_txt::TxtError),
    /// A program did not give it.
    #[error(transparent)]
    Exec(#[from] exec::ExecError),
}

// STUB
pub struct Good {
    pub entries: Vec<crate::entry::NewEntry>,
    pub fetched: Option<std::time::SystemTime>,
}
pub fn last_good(_f: &Feed, _s: &store::Store) -> crate::Result<Option<Good>> {
    Ok(None)
}
pub fn refresh(_f: &Feed, _s: &store::Store, _force: bool) -> crate::Result<()> {
    Ok(())
}
pub mod store {
    use std::path::{Path, PathBuf};
    #[derive(Clone)]
    pub struct Store(PathBuf);
    impl Store {
        pub fn open(d: &Path) -> crate::Result<Self> {
            Ok(Self(d.join("sources")))
        }
        pub fn path(&self, f: &super::Feed) -> PathBuf {
            self.0.join(&f.name)
        }
        pub fn directory(&self) -> &Path {
            &self.0
        }
    }
}
pub mod schedule {
    use std::time::*;
    pub fn first(_f: &super::Feed, _t: Option<SystemTime>, _n: SystemTime) -> Duration {
        Duration::ZERO
    }
    pub fn next(f: &super::Feed, _n: u32) -> Duration {
        f.interval
    }
}

//! The configuration of a row: ports, drop level, policy, and lists.

use filter_common::DropLevel;
use filter_user::{
    model::lengths::Lengths,
    model::{
        entry::{Action, Label, NewEntry, Origin},
        ports::PortSet,
        prefix,
        rules::Rules,
        settings::{Policy, Settings},
    },
    sys::clock,
};

/// A configuration. Its name is unique.
#[derive(Clone, Copy)]
pub struct Config {
    pub name: &'static str,
    pub tcp: &'static str,
    pub udp: &'static str,
    pub drop: DropLevel,
    pub policy: Policy,
    pub sources: Lengths,
    pub entries: &'static [Entry],
}

/// A prefix in a list.
#[derive(Clone, Copy)]
pub struct Entry {
    pub action: Action,
    pub prefix: &'static str,
    pub expires: Expires,
}

/// When a prefix expires.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    Never,
    LongAgo,
    InAnHour,
}

pub const fn trust(prefix: &'static str) -> Entry {
    Entry {
        action: Action::Trust,
        prefix,
        expires: Expires::Never,
    }
}

pub const fn deny(prefix: &'static str) -> Entry {
    Entry {
        action: Action::Deny,
        prefix,
        expires: Expires::Never,
    }
}

pub const fn retire(prefix: &'static str) -> Entry {
    Entry {
        action: Action::Retire,
        prefix,
        expires: Expires::Never,
    }
}

impl Entry {
    pub const fn expired(self) -> Self {
        Self {
            expires: Expires::LongAgo,
            ..self
        }
    }

    pub const fn expiring(self) -> Self {
        Self {
            expires: Expires::InAnHour,
            ..self
        }
    }
}

const PROXY: [Entry; 2] = [trust("185.94.108.0/24"), trust("2001:db8:94::/48")];

/// The configuration of `synwall up` without options: the proxy is trusted, TCP 80 and 443 are protected.
pub const STANDARD: Config = Config {
    name: "standard",
    tcp: "80,443",
    udp: "none",
    drop: DropLevel::New,
    policy: Policy::Enforce,
    sources: Lengths { v4: 24, v6: 48 },
    entries: &PROXY,
};

/// The proxy is trusted, one of its hosts is denied, a former address is retired, and UDP 443 is protected, too.
pub const FULL: Config = Config {
    name: "every list, and UDP",
    udp: "443",
    entries: &[
        PROXY[0],
        PROXY[1],
        deny("185.94.108.66/32"),
        deny("2001:db8:94::66/128"),
        retire("192.0.2.80/32"),
        retire("2001:db8:113::80/128"),
    ],
    ..STANDARD
};

pub const UNESTABLISHED: Config = Config {
    name: "level unestablished",
    tcp: "80,443,8443",
    drop: DropLevel::Unestablished,
    ..STANDARD
};

pub const ALL: Config = Config {
    name: "level all",
    drop: DropLevel::All,
    ..STANDARD
};

impl Config {
    pub fn settings(&self) -> Settings {
        Settings {
            tcp: PortSet::parse_or_none(self.tcp).expect("TCP ports"),
            udp: PortSet::parse_or_none(self.udp).expect("UDP ports"),
            drop: self.drop,
            policy: self.policy,
            sources: self.sources,
            secret: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub fn rules(&self) -> Rules {
        let now = clock::now_ns().expect("a clock");
        self.entries.iter().fold(Rules::default(), |rules, entry| {
            let new = NewEntry {
                prefix: prefix::parse(entry.prefix).expect("a prefix"),
                label: Label::default(),
                origin: Origin::manual(),
                expires_ns: match entry.expires {
                    Expires::Never => None,
                    Expires::LongAgo => Some(now - 1),
                    Expires::InAnHour => Some(now + 3_600_000_000_000),
                },
                saved: false,
            };
            rules.add(entry.action, vec![new], true).expect("an entry")
        })
    }

    pub fn has(&self, action: Action) -> bool {
        self.entries.iter().any(|entry| entry.action == action)
    }
}

//! A configuration of a filter. Both the reference and synwall read it.

use std::{collections::BTreeSet, fmt};

use filter_common::DropLevel;
use filter_user::{
    model::lengths::Lengths,
    model::{
        entry::{Action, Label, NewEntry, Origin},
        ports::PortSet,
        rules::Rules,
        settings::{Policy, Settings, drop_level_name},
    },
    sys::clock,
};
use ipnet::IpNet;

use crate::lab::must;

/// Settings and lists of a filter.
#[derive(Clone)]
pub struct Config {
    pub tcp: BTreeSet<u16>,
    pub udp: BTreeSet<u16>,
    pub drop: DropLevel,
    pub policy: Policy,
    pub entries: Vec<Entry>,
}

/// A prefix in a list.
#[derive(Clone, Copy)]
pub struct Entry {
    pub action: Action,
    pub prefix: IpNet,
    pub expired: bool,
}

impl Config {
    pub fn settings(&self) -> Settings {
        let ports = |ports| must("read ports", PortSet::parse_or_none(&text(ports)));
        Settings {
            tcp: ports(&self.tcp),
            udp: ports(&self.udp),
            drop: self.drop,
            policy: self.policy,
            sources: Lengths { v4: 24, v6: 48 },
            secret: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub fn rules(&self) -> Rules {
        let now = must("read the clock", clock::now_ns());
        [Action::Trust, Action::Deny, Action::Retire]
            .into_iter()
            .fold(Rules::default(), |rules, action| {
                let of_list = self.entries.iter().filter(|entry| entry.action == action);
                let new = of_list.map(|entry| NewEntry {
                    prefix: entry.prefix,
                    label: Label::default(),
                    origin: Origin::manual(),
                    expires_ns: entry.expired.then_some(now - 1),
                    saved: false,
                });
                must("make a list", rules.add(action, new.collect(), true))
            })
    }

    pub fn has(&self, action: Action) -> bool {
        self.entries.iter().any(|entry| entry.action == action)
    }
}

/// The ports in the notation of the command line.
fn text(ports: &BTreeSet<u16>) -> String {
    if ports.is_empty() {
        return "none".to_owned();
    }
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    ports.join(",")
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tcp, udp) = (text(&self.tcp), text(&self.udp));
        let (drop, policy) = (drop_level_name(self.drop), self.policy.name());
        write!(f, "tcp {tcp}; udp {udp}; drop {drop}; {policy}")?;
        for entry in &self.entries {
            write!(f, "\n  {entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = if self.expired { " (expired)" } else { "" };
        write!(f, "{} {}{over}", self.action.name(), self.prefix)
    }
}

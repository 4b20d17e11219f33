//! The desired interfaces: which of all interfaces the configuration's patterns select.

use std::collections::BTreeSet;

use crate::{
    config::contents::InterfacePattern,
    sys::netlink::{self, Interface},
};

/// What patterns select.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The selected interfaces.
    pub interfaces: Vec<Interface>,
    /// The patterns that match no interface.
    pub absent: Vec<String>,
}

/// All interfaces, unless the kernel refuses to list them.
pub fn all() -> Option<Vec<Interface>> {
    netlink::all().inspect_err(|error| log::error!("{error}")).ok()
}

/// The names of the interfaces that `before` selects and `now` does not.
pub fn dropped(all: &[Interface], before: &[InterfacePattern], now: &[InterfacePattern]) -> Vec<String> {
    let now = select(all, now).interfaces;
    let before = select(all, before).interfaces.into_iter();
    let dropped = before.filter(|interface| !now.contains(interface));
    dropped.map(|interface| interface.name).collect()
}

/// Selects the interfaces that match the patterns. A pattern that matches a bond selects its members, through which packets
/// arrive. A loopback interface is selected only by its full name.
pub fn select(all: &[Interface], patterns: &[InterfacePattern]) -> Selection {
    let mut indices = BTreeSet::new();
    let mut absent = Vec::new();
    for pattern in patterns {
        let mut named = all
            .iter()
            .filter(|interface| is_match(pattern, interface))
            .peekable();
        if named.peek().is_none() {
            absent.push(pattern.0.as_str().to_owned());
        }
        for interface in named {
            if interface.is_bond {
                let members = all
                    .iter()
                    .filter(|other| other.controller == Some(interface.index));
                indices.extend(members.map(|member| member.index));
            } else {
                indices.insert(interface.index);
            }
        }
    }
    let mut interfaces = all.to_vec();
    interfaces.retain(|interface| indices.contains(&interface.index));
    Selection { interfaces, absent }
}

fn is_match(pattern: &InterfacePattern, interface: &Interface) -> bool {
    if interface.is_loopback {
        pattern.0.as_str() == interface.name
    } else {
        pattern.0.matches(&interface.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(index: u32, name: &str) -> Interface {
        Interface {
            index,
            name: name.into(),
            xdp: Vec::new(),
            is_loopback: name == "lo",
            is_bond: name.starts_with("bond"),
            controller: None,
        }
    }

    fn member(index: u32, name: &str, of: u32) -> Interface {
        Interface {
            controller: Some(of),
            ..interface(index, name)
        }
    }

    fn selected(all: &[Interface], patterns: &[&str]) -> (Vec<String>, Vec<String>) {
        let patterns: Vec<_> = patterns
            .iter()
            .map(|text| InterfacePattern(glob::Pattern::new(text).unwrap()))
            .collect();
        let Selection { interfaces, absent } = select(all, &patterns);
        (
            interfaces.into_iter().map(|interface| interface.name).collect(),
            absent,
        )
    }

    #[test]
    fn names_and_globs_name_interfaces_and_none_of_them_loopback_by_the_way() {
        let all = [
            interface(1, "lo"),
            interface(2, "eth0"),
            interface(3, "eth1"),
            interface(4, "wg0"),
        ];
        for (patterns, expected, absent) in [
            (vec!["eth0"], vec!["eth0"], vec![]),
            (vec!["eth*", "eth0"], vec!["eth0", "eth1"], vec![]),
            (vec!["*"], vec!["eth0", "eth1", "wg0"], vec![]),
            (vec!["lo"], vec!["lo"], vec![]),
            (vec!["eth[1-9]", "ens*"], vec!["eth1"], vec!["ens*"]),
        ] {
            let found = selected(&all, &patterns);
            assert_eq!(
                found,
                (
                    expected.into_iter().map(str::to_owned).collect(),
                    absent.into_iter().map(str::to_owned).collect()
                ),
                "{patterns:?}"
            );
        }
    }

    #[test]
    fn a_bond_stands_for_its_members() {
        let all = [
            interface(2, "bond0"),
            member(3, "eth0", 2),
            member(4, "eth1", 2),
            interface(5, "eth2"),
        ];
        assert_eq!(selected(&all, &["bond0"]).0, ["eth0", "eth1"]);
        let empty = [interface(2, "bond0")];
        assert_eq!(selected(&empty, &["bond0"]), (vec![], vec![]));
    }

    #[test]
    fn a_port_of_a_bridge_is_no_member_of_a_bond() {
        let all = [interface(2, "br0"), member(3, "eth0", 2)];
        assert_eq!(selected(&all, &["br0"]).0, ["br0"]);
    }
}

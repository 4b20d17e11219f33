//! Which of the interfaces that are there the filter should be on.

use std::collections::BTreeSet;

use crate::{config::contents::InterfacePattern, sys::netlink::Interface};

/// What patterns come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The interfaces to be on.
    pub interfaces: Vec<Interface>,
    /// Patterns that nothing matches.
    pub absent: Vec<String>,
}

/// Finds the interfaces that patterns name. Packets come to a bond through its members, so these are meant by its name.
/// A loopback interface is meant only where it is named in full.
pub fn select(all: &[Interface], patterns: &[InterfacePattern]) -> Selection {
    let mut indices = BTreeSet::new();
    let mut absent = Vec::new();
    for pattern in patterns {
        let mut named = all
            .iter()
            .filter(|interface| is_meant(pattern, interface))
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

fn is_meant(pattern: &InterfacePattern, interface: &Interface) -> bool {
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

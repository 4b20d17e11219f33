//! The two scripts that vendors of reverse proxies ship, and one of our own, with counters at their ends.

use std::fmt::Write as _;

use ipnet::IpNet;

use crate::oracle::config::Config;

/// A script, and the drop level that does what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Stateless: every segment is dropped, as at level `all`.
    Plain,
    /// With a set and connection tracking: what opens a connection is dropped, as at level `new`.
    Tracking,
    /// No script of a vendor, but what level `new` promises, in their words: the plain one for SYNs alone, which sees
    /// IPv6 fragments when they have been put together, too.
    Syns,
}

/// A version of IP, as iptables has it.
#[derive(Clone, Copy)]
pub struct Family {
    pub save: &'static str,
    pub restore: &'static str,
    ipset: &'static str,
    set: &'static str,
    is_ipv4: bool,
}

pub const FAMILIES: [Family; 2] = [
    Family {
        save: "iptables-save",
        restore: "iptables-restore",
        ipset: "inet",
        set: "trusted_v4",
        is_ipv4: true,
    },
    Family {
        save: "ip6tables-save",
        restore: "ip6tables-restore",
        ipset: "inet6",
        set: "trusted_v6",
        is_ipv4: false,
    },
];

/// The rule that drops strangers.
pub const DROPPED: &str = "-A trusted_nodes -j DROP";
/// The rule that sees what would reach a protected port.
pub const ACCEPTED: &str = "-A INPUT -p tcp -m multiport --dports";
/// A datagram to this port says that all frames before it are through.
pub const LAST_PORT: u16 = 9;
/// The rule that sees it.
pub const LAST: &str = "-A INPUT -p udp -m multiport --dports 9";

impl Script {
    /// Every script.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Tracking, Self::Syns];

    /// What `ipset restore` is to read.
    pub fn sets(self, config: &Config) -> String {
        let mut text = String::new();
        for family in FAMILIES {
            let Family { set, ipset, .. } = family;
            let _ = writeln!(text, "create {set} hash:net family {ipset}");
            for prefix in family.trusted(config) {
                let _ = writeln!(text, "add {set} {prefix}");
            }
        }
        text
    }

    /// What `iptables-restore` is to read.
    pub fn rules(self, config: &Config, family: Family) -> String {
        let ports: Vec<String> = config.tcp.iter().map(u16::to_string).collect();
        let protected = format!("-p tcp -m multiport --dports {}", ports.join(","));
        let mut text = "*filter\n:INPUT ACCEPT\n:trusted_nodes -\n".to_owned();
        let _ = match self {
            Self::Plain => writeln!(text, "-A INPUT {protected} -j trusted_nodes"),
            Self::Tracking => writeln!(text, "-A INPUT {protected} -m state --state NEW -j trusted_nodes"),
            // Asking for a state has the kernel put fragments together before.
            Self::Syns => writeln!(
                text,
                "-A INPUT -m state --state ESTABLISHED\n\
                 -A INPUT {protected} -m tcp --tcp-flags SYN,ACK SYN -j trusted_nodes"
            ),
        };
        let _ = writeln!(text, "-A INPUT {protected}\n{LAST}");
        match self {
            Self::Plain | Self::Syns => {
                for prefix in family.trusted(config) {
                    let _ = writeln!(text, "-A trusted_nodes -s {prefix} -j RETURN");
                }
            }
            Self::Tracking => {
                let set = family.set;
                let _ = writeln!(text, "-A trusted_nodes -m set --match-set {set} src -j RETURN");
            }
        }
        let _ = writeln!(text, "{DROPPED}\nCOMMIT");
        text
    }
}

impl Family {
    fn trusted(self, config: &Config) -> impl Iterator<Item = IpNet> {
        let prefixes = config.entries.iter().map(|entry| entry.prefix);
        prefixes.filter(move |prefix| prefix.addr().is_ipv4() == self.is_ipv4)
    }
}

//! The two scripts that vendors of reverse proxies ship, and a third one for these tests. All end with counting
//! rules.

use std::fmt::Write as _;

use ipnet::IpNet;

use crate::oracle::config::Config;

/// A script, which does the same as one of the drop levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// The stateless script: it drops every segment, as level `all` does.
    Plain,
    /// The script with an ipset and connection tracking. It drops segments that open a connection, as level `new`
    /// does.
    Tracking,
    /// A script of this project for what level `new` promises: the stateless script for SYNs only. It sees IPv6
    /// fragments after reassembly, too.
    Syns,
}

/// The iptables programs and names for one version of IP.
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
/// The rule that counts packets on their way to a protected port.
pub const ACCEPTED: &str = "-A INPUT -p tcp -m multiport --dports";
/// A datagram to this port shows that all frames before it have arrived.
pub const LAST_PORT: u16 = 9;
/// The rule that counts this datagram.
pub const LAST: &str = "-A INPUT -p udp -m multiport --dports 9";

impl Script {
    /// Every script.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Tracking, Self::Syns];

    /// The input of `ipset restore`.
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

    /// The input of `iptables-restore`.
    pub fn rules(self, config: &Config, family: Family) -> String {
        let ports: Vec<String> = config.tcp.iter().map(u16::to_string).collect();
        let protected = format!("-p tcp -m multiport --dports {}", ports.join(","));
        let mut text = "*filter\n:INPUT ACCEPT\n:trusted_nodes -\n".to_owned();
        let _ = match self {
            Self::Plain => writeln!(text, "-A INPUT {protected} -j trusted_nodes"),
            Self::Tracking => writeln!(text, "-A INPUT {protected} -m state --state NEW -j trusted_nodes"),
            // A rule that uses the connection state makes the kernel reassemble fragments first.
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

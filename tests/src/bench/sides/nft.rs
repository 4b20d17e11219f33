//! nftables with an interval set, at the two hooks that come before routing and connection tracking.

use super::super::prefixes::Prefixes;
use super::super::wires::{INTERFACE, Receiver};
use crate::lab::Output;

/// The netfilter hook of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Directly behind the driver, for one interface.
    Ingress,
    /// The first hook of the IP stack.
    Prerouting,
}

impl Hook {
    /// The family of the table, as `nft` names it.
    fn family(self) -> &'static str {
        match self {
            Self::Ingress => "netdev",
            Self::Prerouting => "inet",
        }
    }

    fn chain(self) -> String {
        match self {
            Self::Ingress => format!("type filter hook ingress device \"{INTERFACE}\" priority 0"),
            Self::Prerouting => "type filter hook prerouting priority raw".to_owned(),
        }
    }
}

/// Loads the rules.
pub(super) fn load(receiver: &Receiver, hook: Hook, prefixes: &Prefixes) {
    let set = |name: &str, kind: &str, prefixes: Vec<String>| {
        let elements = match prefixes.is_empty() {
            true => String::new(),
            false => format!("elements = {{ {} }}", prefixes.join(",\n")),
        };
        format!("set {name} {{\ntype {kind}\nflags interval\n{elements}\n}}\n")
    };
    let rules = format!(
        "table {} firewall {{\ncounter dropped {{ }}\n{}{}chain early {{\n{}; policy accept;\n\
         tcp dport {{ 80, 443 }} ip saddr != @trusted4 counter name dropped drop\n\
         tcp dport {{ 80, 443 }} ip6 saddr != @trusted6 counter name dropped drop\n}}\n}}\n",
        hook.family(),
        set("trusted4", "ipv4_addr", prefixes.v4_texts().collect()),
        set("trusted6", "ipv6_addr", prefixes.v6_texts().collect()),
        hook.chain(),
    );
    let mut nft = receiver.namespace.command("nft");
    Output::with_input(nft.args(["-f", "-"]), &rules).ok();
}

/// The packets that the rules have dropped.
pub(super) fn dropped(receiver: &Receiver, hook: Hook) -> u64 {
    let mut nft = receiver.namespace.command("nft");
    nft.args(["-j", "list", "counter", hook.family(), "firewall", "dropped"]);
    let shown = Output::of(&mut nft).json();
    let objects = shown["nftables"].as_array().into_iter().flatten();
    let packets = objects
        .filter_map(|object| object["counter"]["packets"].as_u64())
        .next();
    packets.unwrap_or_else(|| panic!("no counter in what nft says: {shown}"))
}

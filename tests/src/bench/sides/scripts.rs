//! The two iptables scripts that proxy vendors distribute, rule by rule. The same rules are added for IPv6, which the
//! scripts leave open. `iptables-restore` loads the rules faster than one process for each rule, and changes nothing
//! else.

use super::super::prefixes::Prefixes;
use super::super::wires::Receiver;
use crate::lab::Output;

/// Loads the script that has one rule for each prefix.
pub(super) fn plain(receiver: &Receiver, prefixes: &Prefixes) {
    let rules = |list: &mut dyn Iterator<Item = String>| {
        let returns: String = list
            .map(|prefix| format!("-A trusted_nodes -s {prefix} -j RETURN\n"))
            .collect();
        format!(
            "*filter\n:trusted_nodes - [0:0]\n{returns}-A trusted_nodes -j DROP\n\
             -A INPUT -p tcp -m multiport --dports 80,443 -j trusted_nodes\nCOMMIT\n"
        )
    };
    input(receiver, "iptables-restore", &rules(&mut prefixes.v4_texts()));
    input(receiver, "ip6tables-restore", &rules(&mut prefixes.v6_texts()));
}

/// Loads the script with an ipset and connection tracking.
pub(super) fn ipset(receiver: &Receiver, prefixes: &Prefixes) {
    // The longest list does not fit into the default of 65,536 elements.
    let mut sets = String::new();
    for (set, family) in [("trusted_nodes", "inet"), ("trusted_nodes6", "inet6")] {
        sets += &format!("create {set} hash:net family {family} maxelem 200000\n");
    }
    sets.extend(
        prefixes
            .v4_texts()
            .map(|prefix| format!("add trusted_nodes {prefix}\n")),
    );
    sets.extend(
        prefixes
            .v6_texts()
            .map(|prefix| format!("add trusted_nodes6 {prefix}\n")),
    );
    let mut ipset = receiver.namespace.command("ipset");
    Output::with_input(ipset.arg("restore"), &sets).ok();
    let rules = |set: &str| {
        format!(
            "*filter\n:qrator - [0:0]\n-A qrator -m set --match-set {set} src -j ACCEPT\n-A qrator -j DROP\n\
             -A INPUT -m state --state ESTABLISHED,RELATED -j ACCEPT\n\
             -A INPUT -p tcp -m multiport --dports 80,443 -m state --state NEW -j qrator\nCOMMIT\n"
        )
    };
    input(receiver, "iptables-restore", &rules("trusted_nodes"));
    input(receiver, "ip6tables-restore", &rules("trusted_nodes6"));
}

/// The packets that the dropping rules of the chain have counted, over IPv4 and IPv6. Rules are numbered from 1.
pub(super) fn dropped(receiver: &Receiver, chain: &str, numbers: [usize; 2]) -> u64 {
    let programs = ["iptables", "ip6tables"];
    let count = |(program, number): (&str, usize)| {
        let mut list = receiver.namespace.command(program);
        list.args(["-vxnL", chain, &number.to_string()]);
        let output = Output::of(&mut list).ok();
        let first = output.stdout.split_whitespace().next();
        let number = first.and_then(|number| number.parse::<u64>().ok());
        number.unwrap_or_else(|| panic!("no number of packets in what {program} says:\n{output}"))
    };
    programs.into_iter().zip(numbers).map(count).sum()
}

fn input(receiver: &Receiver, program: &str, text: &str) {
    Output::with_input(&mut receiver.namespace.command(program), text).ok();
}

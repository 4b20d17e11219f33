//! The metrics of a filter.

use std::collections::BTreeMap;

use filter_common::Count;

use super::family::{Families, truth};
use crate::{
    model::settings::{Policy, drop_level_name},
    view::{interface::Interface, packets::ReasonCount, prefix::Prefix, reading::Reading},
};

/// Adds the metrics of a filter.
pub fn add(families: &mut Families, reading: &Reading) {
    interfaces(families, &one_of_each_name(&reading.interfaces));
    families.gauge(
        "synwall_enforcing",
        "Whether packets are dropped (1) or only counted (0)",
        [([], truth(reading.policy == Policy::Enforce))],
    );
    let level = drop_level_name(reading.drop).to_owned();
    families.gauge(
        "synwall_drop_level_info",
        "What happens to segments that open no connection",
        [([("level", level)], 1.0)],
    );
    families.gauge(
        "synwall_generation",
        "Which of the two generations of the lists is in force",
        [([], reading.generation.into())],
    );
    lists(families, reading);
    prefixes(families, reading);
}

fn interfaces(families: &mut Families, interfaces: &[&Interface]) {
    let by_reason = |of: fn(&ReasonCount<'_>) -> u64| {
        let reasons = interfaces.iter().flat_map(|interface| interface.reasons());
        reasons.map(move |count| {
            let labels = [
                ("interface", count.interface.to_owned()),
                ("reason", count.reason.to_owned()),
            ];
            (labels, of(&count))
        })
    };
    let passed = |of: fn(&Count) -> u64| {
        interfaces.iter().map(move |interface| {
            let labels = [("interface", interface.name.clone())];
            (labels, of(&interface.totals.passed))
        })
    };
    families.counter(
        "synwall_packets_total",
        "Packets that were dropped, by reason",
        by_reason(|count| count.packets),
    );
    families.counter(
        "synwall_bytes_total",
        "Bytes of the packets that were dropped, by reason",
        by_reason(|count| count.bytes),
    );
    families.counter(
        "synwall_passed_packets_total",
        "Packets that passed, those that would be dropped included",
        passed(|count| count.packets),
    );
    families.counter(
        "synwall_passed_bytes_total",
        "Bytes of the packets that passed",
        passed(|count| count.bytes),
    );
    families.counter(
        "synwall_would_drop_packets_total",
        "Packets that passed because the policy is observe, by the reason to drop them",
        by_reason(|count| count.would_drop_packets),
    );
    families.counter(
        "synwall_would_drop_bytes_total",
        "Bytes of the packets that passed because the policy is observe",
        by_reason(|count| count.would_drop_bytes),
    );
    let info = |interface: &&Interface| {
        let labels = [
            ("interface", interface.name.clone()),
            ("mode", interface.mode.name().to_owned()),
            ("state", interface.state.name().to_owned()),
        ];
        (labels, 1.0)
    };
    families.gauge(
        "synwall_interface_info",
        "Where the filter is: the mode of its program, and how it stands with it",
        interfaces.iter().map(info),
    );
}

fn lists(families: &mut Families, reading: &Reading) {
    let entries = reading.entries.each().into_iter().flat_map(|(action, versions)| {
        [("ipv4", versions.v4), ("ipv6", versions.v6)].map(|(family, count)| {
            let labels = [
                ("action", action.name().to_owned()),
                ("family", family.to_owned()),
            ];
            (labels, count as f64)
        })
    });
    families.gauge("synwall_prefixes", "Entries of the lists", entries);
    let runtime_only = reading.runtime_only.each();
    families.gauge(
        "synwall_runtime_only_prefixes",
        "Entries that are gone after a reboot",
        runtime_only.map(|(action, count)| ([("action", action.name().to_owned())], *count as f64)),
    );
}

fn prefixes(families: &mut Families, reading: &Reading) {
    let samples = |of: fn(&Prefix) -> u64| {
        reading.prefixes.iter().flatten().map(move |prefix| {
            let labels = [
                ("prefix", prefix.prefix.to_string()),
                ("action", prefix.action.name().to_owned()),
                ("label", prefix.label.as_str().to_owned()),
                ("origin", prefix.origin.as_str().to_owned()),
            ];
            (labels, of(prefix))
        })
    };
    families.counter(
        "synwall_prefix_packets_total",
        "What was counted on a prefix: new connections and datagrams if trusted, drops if not",
        samples(|prefix| prefix.packets),
    );
    families.counter(
        "synwall_prefix_bytes_total",
        "The bytes of these packets",
        samples(|prefix| prefix.bytes),
    );
    families.gauge(
        "synwall_prefix_series_omitted",
        "Entries whose counters are not shown, since others have more packets",
        [([], reading.omitted as f64)],
    );
}

/// One interface for each name: an interface that is gone may have had the name of another, and a series has one value. The
/// interface on which the filter is in force goes first.
fn one_of_each_name(interfaces: &[Interface]) -> Vec<&Interface> {
    let mut of_name: BTreeMap<&str, &Interface> = BTreeMap::new();
    for interface in interfaces {
        let known = of_name.get(interface.name.as_str());
        if known.is_none_or(|known| !known.state.is_in_force()) {
            of_name.insert(&interface.name, interface);
        }
    }
    of_name.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::totals::Totals,
        model::mode::Mode,
        view::{interface::State, packets::Packets},
    };

    #[test]
    fn of_interfaces_with_one_name_there_is_the_one_that_filters() {
        let interface = |(state, ifindex)| Interface {
            name: "eth0".to_owned(),
            ifindex,
            mode: Mode::Native,
            program_id: 1,
            state,
            confirm_seconds: None,
            packets: Packets::default(),
            totals: Totals::default(),
        };
        for states in [
            [(State::Gone, 1), (State::Attached, 2)],
            [(State::Attached, 2), (State::Gone, 1)],
            [(State::Overdue, 1), (State::Outdated, 2)],
            [(State::Elsewhere, 1), (State::Attached, 2)],
        ] {
            let interfaces = states.map(interface);
            let one = one_of_each_name(&interfaces);
            let indices: Vec<u32> = one.iter().map(|interface| interface.ifindex).collect();
            assert_eq!(indices, [2], "{states:?}");
        }
    }
}

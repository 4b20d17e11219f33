//! The desired lists: the entries of all inputs, merged by rank.

use crate::model::{
    entry::{Action, Entry, NewEntry},
    rules::Rules,
};

/// The entries that one input has for one list.
pub struct Group {
    /// The list that the entries belong in.
    pub action: Action,
    /// The entries.
    pub entries: Vec<NewEntry>,
}

/// Merges groups into one set of rules. Where several groups have a prefix, the group of the highest rank wins; the first rank
/// is the highest. Within a rank deny beats trust, and an earlier group beats a later one.
pub fn merge(ranks: Vec<Vec<Group>>) -> Rules {
    // `Rules` keeps the last of several entries for one prefix, so the lowest rank goes in first.
    let mut entries = Vec::new();
    for mut rank in ranks.into_iter().rev() {
        rank.reverse();
        rank.sort_by_key(|group| group.action == Action::Deny);
        for group in rank {
            let action = group.action;
            entries.extend(group.entries.into_iter().map(|new| desired_entry(action, new)));
        }
    }
    Rules::from(entries)
}

pub(super) fn desired_entry(action: Action, new: NewEntry) -> Entry {
    Entry {
        prefix: new.prefix,
        action,
        label: new.label,
        origin: new.origin,
        expires_ns: None,
        saved: true,
        slot: None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ipnet::IpNet;

    use super::*;
    use crate::model::{
        entry::{Label, Origin},
        prefix,
    };

    pub fn net(text: &str) -> IpNet {
        prefix::parse(text).unwrap()
    }

    pub fn new(text: &str, place: &str) -> NewEntry {
        NewEntry {
            prefix: net(text),
            label: Label::new("label").unwrap(),
            origin: Origin::new(place),
            expires_ns: None,
            saved: true,
        }
    }

    pub fn group(action: Action, place: &str, prefixes: &[&str]) -> Group {
        let entries = prefixes.iter().map(|text| new(text, place)).collect();
        Group { action, entries }
    }

    fn shown(rules: &Rules) -> Vec<String> {
        let shown = |entry: &Entry| format!("{} {} {}", entry.action, entry.prefix, entry.origin.as_str());
        rules.iter().map(shown).collect()
    }

    #[test]
    fn a_higher_rank_an_earlier_group_and_deny_go_first() {
        let merged = merge(vec![
            vec![group(Action::Trust, "config", &["10.0.0.0/8"])],
            vec![
                group(
                    Action::Trust,
                    "file:a",
                    &["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"],
                ),
                group(Action::Trust, "file:b", &["11.0.0.0/8"]),
                group(Action::Deny, "file:c", &["12.0.0.0/8", "10.0.0.0/8"]),
                group(Action::Retire, "file:d", &["12.0.0.0/8"]),
            ],
            vec![group(Action::Deny, "source:s", &["11.0.0.0/8", "13.0.0.0/8"])],
        ]);
        assert_eq!(
            shown(&merged),
            [
                "trust 10.0.0.0/8 config",
                "trust 11.0.0.0/8 file:a",
                "deny 12.0.0.0/8 file:c",
                "deny 13.0.0.0/8 source:s",
                "retire 12.0.0.0/8 file:d",
            ]
        );
    }
}

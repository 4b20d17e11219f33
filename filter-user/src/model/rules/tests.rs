use super::*;
use crate::model::{
    entry::{Label, Origin},
    prefix,
};

fn new(prefix: &str, label: &str) -> NewEntry {
    NewEntry {
        prefix: prefix::parse(prefix).unwrap(),
        label: Label::new(label).unwrap(),
        origin: Origin::manual(),
        expires_ns: None,
        saved: false,
    }
}

fn shown(rules: &Rules) -> Vec<String> {
    rules
        .iter()
        .map(|e| format!("{} {} {}", e.action, e.prefix, e.label.as_str()))
        .collect()
}

#[test]
fn a_prefix_is_trusted_or_denied_but_not_both() {
    let rules = Rules::default()
        .add(Action::Trust, vec![new("10.0.0.0/8", "")], false)
        .unwrap();
    assert!(matches!(
        rules.add(Action::Deny, vec![new("10.0.0.0/8", "")], false),
        Err(Error::Conflict {
            present: Action::Trust,
            wanted: Action::Deny,
            ..
        })
    ));
    // A retired prefix is a destination: it may be the same.
    assert!(
        rules
            .add(Action::Retire, vec![new("10.0.0.0/8", "")], false)
            .is_ok()
    );
}

#[test]
fn replace_leaves_the_other_lists_alone_and_keeps_slots() {
    let rules = Rules::default()
        .add(
            Action::Trust,
            vec![new("10.0.0.0/8", "a"), new("192.0.2.0/24", "b")],
            false,
        )
        .unwrap()
        .add(Action::Deny, vec![new("10.1.0.0/16", "c")], false)
        .unwrap();
    let entries = rules.iter().zip(1..).map(|(entry, slot)| Entry {
        slot: Some(slot),
        ..entry.clone()
    });
    let rules = Rules::from(entries.collect::<Vec<_>>());
    let kept = rules
        .get(Action::Trust, prefix::parse("10.0.0.0/8").unwrap())
        .unwrap()
        .slot;
    let rules = rules
        .replace(
            Action::Trust,
            vec![new("10.0.0.0/8", "x"), new("2001:db8::/32", "")],
            false,
        )
        .unwrap();
    assert_eq!(
        shown(&rules),
        ["trust 10.0.0.0/8 x", "deny 10.1.0.0/16 c", "trust 2001:db8::/32 "]
    );
    assert_eq!(
        rules
            .get(Action::Trust, prefix::parse("10.0.0.0/8").unwrap())
            .unwrap()
            .slot,
        kept
    );
}

#[test]
fn the_last_of_several_entries_for_a_prefix_stands() {
    let twice = vec![
        new("10.0.0.0/8", "a"),
        new("9.0.0.0/8", ""),
        new("10.0.0.0/8", "b"),
    ];
    for rules in [
        Rules::default().add(Action::Trust, twice.clone(), false),
        Rules::default().replace(Action::Trust, twice, false),
    ] {
        assert_eq!(shown(&rules.unwrap()), ["trust 9.0.0.0/8 ", "trust 10.0.0.0/8 b"]);
    }
}

#[test]
fn the_difference_counts_one_list_alone() {
    let list = |entries: &[(&str, &str)]| entries.iter().map(|(p, l)| new(p, l)).collect::<Vec<_>>();
    let before = Rules::default()
        .add(
            Action::Trust,
            list(&[("10.0.0.0/8", "a"), ("11.0.0.0/8", ""), ("12.0.0.0/8", "")]),
            false,
        )
        .unwrap()
        .add(Action::Deny, list(&[("10.1.0.0/16", "")]), false)
        .unwrap();
    let after = before
        .replace(
            Action::Trust,
            list(&[
                ("10.0.0.0/8", "b"),
                ("12.0.0.0/8", ""),
                ("::/1", ""),
                ("1.0.0.0/8", ""),
            ]),
            false,
        )
        .unwrap();
    let difference = |a: &Rules, b: &Rules, list| {
        let Difference {
            added,
            removed,
            changed,
            total,
        } = a.difference(b, list);
        (added, removed, changed, total)
    };
    assert_eq!(difference(&before, &after, Action::Trust), (2, 1, 1, 4));
    assert_eq!(difference(&before, &after, Action::Deny), (0, 0, 0, 1));
}

#[test]
fn everything_needs_force() {
    for prefix in ["0.0.0.0/0", "::/0"] {
        assert!(
            Rules::default()
                .add(Action::Trust, vec![new(prefix, "")], false)
                .is_err()
        );
        assert!(
            Rules::default()
                .add(Action::Trust, vec![new(prefix, "")], true)
                .is_ok()
        );
    }
}

#[test]
fn removing_what_is_not_there_changes_nothing() {
    let rules = Rules::default()
        .add(Action::Trust, vec![new("10.0.0.0/8", "")], false)
        .unwrap();
    let gone = [
        prefix::parse("10.0.0.0/8").unwrap(),
        prefix::parse("10.0.0.0/9").unwrap(),
    ];
    assert!(matches!(
        rules.remove(Action::Trust, &gone),
        Err(Error::NotListed { .. })
    ));
    assert!(matches!(
        rules.remove(Action::Deny, &gone[..1]),
        Err(Error::NotListed { .. })
    ));
    assert_eq!(
        shown(&rules.remove(Action::Trust, &gone[..1]).unwrap()),
        Vec::<String>::new()
    );
}

//! The diff between the lists in force and the desired lists, as edits that turn the one into the other.

use std::{num::NonZeroU64, time::Duration};

use ipnet::IpNet;

use super::removal::{ExpiryBudget, Removal, Removals};
use crate::{
    filter::change::Edits,
    model::{
        entry::{Action, Entry, NewEntry},
        rules::{Rules, key_of, side_by_side},
    },
};

/// A prefix that an operator put into another list by hand: the prefix, the list it is in, and the desired list.
pub type Conflict = (IpNet, Action, Action);

/// How the lists in force become the desired lists.
#[derive(Debug, Default)]
pub struct Plan {
    /// The edits to apply.
    pub edits: Edits,
    /// Desired entries that are left out: the operator's entry wins.
    pub conflicts: Vec<Conflict>,
    /// How many entries are removed without their grace period, since the expiry budget is used up.
    pub without_grace: usize,
    /// How many entries have left their list and are in their grace period.
    pub in_grace: usize,
}

/// Plans how `present` becomes `desired`. An entry that the agent did not make is left alone, unless it has the origin of the
/// desired entry, or would expire.
pub fn plan(present: &Rules, desired: &Rules, removals: &Removals, now_ns: u64) -> Plan {
    let mut plan = Plan::default();
    let mut budget = ExpiryBudget::used_by(present);
    let (mut presents, mut desireds) = (present.iter().peekable(), desired.iter().peekable());
    loop {
        match side_by_side(&mut presents, &mut desireds, |a, b| key_of(a).cmp(&key_of(b))) {
            (None, None) => return plan,
            (None, Some(desired)) => plan.set(desired, None),
            (Some(present), Some(desired)) => plan.update(present, desired),
            (Some(present), None) if !present.saved => {}
            (Some(present), None) => match removals.of(present) {
                Removal::Never => {}
                Removal::After(Duration::ZERO) => {
                    plan.edits.remove.push((present.action, present.prefix));
                }
                // A former plan has begun its grace period.
                Removal::After(_) if present.expires_ns.is_some() => plan.in_grace += 1,
                Removal::After(_) if !budget.allows(present.action) => {
                    plan.without_grace += 1;
                    plan.edits.remove.push((present.action, present.prefix));
                }
                Removal::After(grace) => {
                    budget.spend(present.action);
                    plan.in_grace += 1;
                    let grace = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
                    plan.set(present, Some(now_ns.saturating_add(grace)));
                }
            },
        }
    }
}

impl Plan {
    fn set(&mut self, entry: &Entry, expires_ns: Option<u64>) {
        let new = NewEntry {
            prefix: entry.prefix,
            label: entry.label.clone(),
            origin: entry.origin.clone(),
            expires_ns,
            saved: true,
        };
        self.edits.set.push((entry.action, new));
    }

    fn update(&mut self, present: &Entry, desired: &Entry) {
        let is_ours = present.saved || present.origin == desired.origin;
        if present.action != desired.action {
            if is_ours {
                self.edits.remove.push((present.action, present.prefix));
                self.set(desired, None);
            } else {
                self.conflicts
                    .push((present.prefix, present.action, desired.action));
            }
        } else if is_ours && differs(present, desired) || present.expires_ns.is_some() {
            self.set(desired, None);
        }
    }
}

fn differs(present: &Entry, desired: &Entry) -> bool {
    let key = |entry: &Entry| (entry.saved, entry.label.clone(), entry.origin.clone());
    key(present) != key(desired) || present.expires_ns.map(NonZeroU64::get).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{
        agent::desired::{
            Group, desired_entry, merge,
            tests::{group, net, new},
        },
        model::entry::Origin,
    };

    const NOW: u64 = 1_000;

    /// The lists in force: each entry with its origin, whether the agent made it, and its expiry.
    fn present(entries: &[(Action, &str, &str, bool, Option<u64>)]) -> Rules {
        let entry =
            |(action, text, place, saved, deadline): &(Action, &str, &str, bool, Option<u64>)| Entry {
                saved: *saved,
                expires_ns: deadline.and_then(NonZeroU64::new),
                ..desired_entry(*action, new(text, place))
            };
        entries.iter().map(entry).collect::<Vec<_>>().into()
    }

    fn removals() -> Removals {
        let feeds = HashMap::from([
            (
                Origin::new("provider:p"),
                Removal::After(Duration::from_nanos(500)),
            ),
            (Origin::new("source:at-once"), Removal::After(Duration::ZERO)),
            (Origin::new("source:unknown"), Removal::Never),
        ]);
        Removals {
            feeds,
            is_trusted_list_missing: false,
        }
    }

    fn edits(present: &Rules, wanted: &[Group]) -> (Vec<String>, Vec<String>) {
        let wanted = wanted.iter().map(|group| Group {
            action: group.action,
            entries: group.entries.clone(),
        });
        let plan = plan(present, &merge(vec![wanted.collect()]), &removals(), NOW);
        let set = plan.edits.set.iter().map(|(action, entry)| {
            let deadline = entry
                .expires_ns
                .map_or(String::new(), |at| format!(" until {at}"));
            format!("{action} {} {}{deadline}", entry.prefix, entry.origin.as_str())
        });
        let removed = plan.edits.remove.iter();
        let removed = removed.map(|(action, prefix)| format!("{action} {prefix}"));
        (set.collect(), removed.collect())
    }

    #[test]
    fn what_is_there_already_is_left_as_it_is() {
        let there = present(&[
            (Action::Trust, "10.0.0.0/8", "config", true, None),
            (Action::Trust, "11.0.0.0/8", "manual", false, None),
            (Action::Deny, "12.0.0.0/8", "manual", false, Some(7)),
        ]);
        let wanted = [group(Action::Trust, "config", &["10.0.0.0/8", "11.0.0.0/8"])];
        assert_eq!(edits(&there, &wanted), (vec![], vec![]));
    }

    #[test]
    fn what_is_no_longer_wanted_goes_at_once_or_after_its_grace() {
        let there = present(&[
            (Action::Trust, "10.0.0.0/8", "config", true, None),
            (Action::Trust, "11.0.0.0/8", "provider:p", true, None),
            (Action::Trust, "12.0.0.0/8", "provider:p", true, Some(1_200)),
            (
                Action::Trust,
                "13.0.0.0/8",
                "provider:no-longer-configured",
                true,
                Some(1_200),
            ),
            (Action::Trust, "14.0.0.0/8", "source:at-once", true, None),
            (Action::Trust, "15.0.0.0/8", "provider:p", false, None),
            (Action::Trust, "16.0.0.0/8", "source:unknown", true, None),
        ]);
        let (set, removed) = edits(&there, &[]);
        assert_eq!(set, ["trust 11.0.0.0/8 provider:p until 1500"]);
        assert_eq!(
            removed,
            ["trust 10.0.0.0/8", "trust 13.0.0.0/8", "trust 14.0.0.0/8"]
        );
    }

    #[test]
    fn what_is_wanted_again_stays_for_good() {
        let there = present(&[
            (Action::Trust, "11.0.0.0/8", "provider:p", true, Some(1_200)),
            (Action::Trust, "12.0.0.0/8", "manual", false, Some(1_200)),
            (Action::Trust, "13.0.0.0/8", "provider:p", false, None),
        ]);
        let wanted = [group(
            Action::Trust,
            "provider:p",
            &["11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"],
        )];
        let (set, removed) = edits(&there, &wanted);
        let expected = ["11", "12", "13"].map(|first| format!("trust {first}.0.0.0/8 provider:p"));
        assert_eq!((set, removed), (expected.into(), vec![]));
    }

    #[test]
    fn a_prefix_changes_lists_unless_somebody_put_it_there_by_hand() {
        let there = present(&[
            (Action::Trust, "10.0.0.0/8", "config", true, None),
            (Action::Trust, "11.0.0.0/8", "manual", false, None),
        ]);
        let wanted = [group(Action::Deny, "config", &["10.0.0.0/8", "11.0.0.0/8"])];
        let (set, removed) = edits(&there, &wanted);
        assert_eq!(
            (set, removed),
            (
                vec!["deny 10.0.0.0/8 config".into()],
                vec!["trust 10.0.0.0/8".into()]
            )
        );
        let plan = plan(&there, &merge(vec![wanted.into()]), &removals(), NOW);
        assert_eq!(plan.conflicts, [(net("11.0.0.0/8"), Action::Trust, Action::Deny)]);
    }

    #[test]
    fn more_than_can_have_a_deadline_goes_at_once() {
        let entry = |action, n: u32| {
            let text = format!("{}.{}.{}.0/24", 10 + (n >> 16), n >> 8 & 255, n & 255);
            desired_entry(action, new(&text, "provider:p"))
        };
        let leaves = |there: Vec<Entry>| {
            let plan = plan(&there.into(), &Rules::default(), &removals(), NOW);
            assert_eq!(plan.edits.remove.len(), plan.without_grace);
            (plan.in_grace, plan.without_grace)
        };
        let (all, others) = (ExpiryBudget::ALL as u32, ExpiryBudget::OTHERS as u32);
        let trusted = |numbers: std::ops::Range<u32>| numbers.map(|n| entry(Action::Trust, n));
        let denied = |numbers: std::ops::Range<u32>| numbers.map(|n| entry(Action::Deny, n));
        assert_eq!(leaves(trusted(0..all + 3).collect()), (all as usize, 3));
        assert_eq!(leaves(denied(0..others + 3).collect()), (others as usize, 3));
        // However many deny entries leave, trusted entries keep their grace period.
        let both = denied(0..all).chain(trusted(all..2 * all - others));
        assert_eq!(leaves(both.collect()), (all as usize, (all - others) as usize));
    }
}

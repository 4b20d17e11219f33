//! What should be in the lists, from everything that says so, and how that differs from what is there.

use std::{collections::HashMap, num::NonZeroU64, time::Duration};

use filter_common::MAX_EXPIRIES;
use ipnet::IpNet;

use crate::{
    filter::change::Edits,
    model::{
        entry::{Action, Entry, NewEntry, Origin},
        rules::{Rules, key_of, side_by_side},
    },
};

/// A group of entries from one place.
pub struct Group {
    /// The list that they go to.
    pub action: Action,
    /// What is in it.
    pub entries: Vec<NewEntry>,
}

/// Puts groups together. Where several have a prefix, the one of the higher rank stands, which is the one that comes first; among
/// those of a rank deny goes before trust, and then an earlier one before a later one.
pub fn merge(ranks: Vec<Vec<Group>>) -> Rules {
    // Of several entries for one prefix the last one stands.
    let mut entries = Vec::new();
    for mut rank in ranks.into_iter().rev() {
        rank.reverse();
        rank.sort_by_key(|group| group.action == Action::Deny);
        for group in rank {
            let action = group.action;
            entries.extend(group.entries.into_iter().map(|new| wanted(action, new)));
        }
    }
    Rules::from(entries)
}

fn wanted(action: Action, new: NewEntry) -> Entry {
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

/// A prefix, the list in which somebody put it by hand, and the one in which it should be.
pub type Contradiction = (IpNet, Action, Action);

/// How the lists are brought to what is wanted.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is done.
    pub edits: Edits,
    /// Wanted entries that are left out, since somebody put the prefix into another list by hand.
    pub contradicted: Vec<Contradiction>,
    /// Entries that go without the time they should have had, as no more can have one.
    pub hurried: usize,
    /// Entries that are on their way out: their list no longer has them, and their time is not over yet.
    pub leaving: usize,
}

/// What becomes of an entry whose list no longer has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// It goes after this time.
    After(Duration),
    /// It stays: its list is not known just now.
    Never,
}

/// What becomes of entries that are no longer wanted.
#[derive(Debug, Default)]
pub struct Goings {
    /// Of a feed's, by where they come from.
    pub feeds: HashMap<Origin, Going>,
    /// Whether a feed of those to be trusted has never had a list. It may be one by another name, or take over from prefixes
    /// that were typed: whoever was trusted stays until it has one.
    pub are_some_missing: bool,
}

impl Goings {
    /// What becomes of an entry. What is of no feed goes at once.
    fn of(&self, entry: &Entry) -> Going {
        match self.feeds.get(&entry.origin) {
            Some(going) => *going,
            None if self.are_some_missing && entry.action == Action::Trust => Going::Never,
            None => Going::After(Duration::ZERO),
        }
    }
}

/// How `present` becomes `wanted`. Entries that the agent did not put there are left alone, but for those that come from
/// the very same place, and those that would go by themselves.
pub fn plan(present: &Rules, wanted: &Rules, goings: &Goings, now_ns: u64) -> Plan {
    let mut plan = Plan::default();
    let mut deadlines = Deadlines::of(present);
    let (mut there, mut to_be) = (present.iter().peekable(), wanted.iter().peekable());
    loop {
        match side_by_side(&mut there, &mut to_be, |a, b| key_of(a).cmp(&key_of(b))) {
            (None, None) => return plan,
            (None, Some(wanted)) => plan.set(wanted, None),
            (Some(present), Some(wanted)) => plan.change(present, wanted),
            (Some(present), None) if !present.saved => {}
            (Some(present), None) => match goings.of(present) {
                Going::Never => {}
                Going::After(Duration::ZERO) => {
                    plan.edits.remove.push((present.action, present.prefix));
                }
                // It is leaving already.
                Going::After(_) if present.expires_ns.is_some() => plan.leaving += 1,
                Going::After(_) if !deadlines.have_room_for(present.action) => {
                    plan.hurried += 1;
                    plan.edits.remove.push((present.action, present.prefix));
                }
                Going::After(grace) => {
                    deadlines.add(present.action);
                    plan.leaving += 1;
                    let grace = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
                    plan.set(present, Some(now_ns.saturating_add(grace)));
                }
            },
        }
    }
}

/// How many entries have a deadline. Half of those that a filter has room for are the operators'. Of the others, a quarter is
/// for those that are not trusted: somebody who is denied too long harms nobody, and somebody who is no longer trusted too
/// soon is dropped.
#[derive(Default)]
struct Deadlines {
    trusted: usize,
    others: usize,
}

impl Deadlines {
    const ALL: usize = MAX_EXPIRIES as usize / 2;
    const OTHERS: usize = Self::ALL / 4;

    fn of(present: &Rules) -> Self {
        let mut deadlines = Self::default();
        for entry in present.iter().filter(|entry| entry.expires_ns.is_some()) {
            deadlines.add(entry.action);
        }
        deadlines
    }

    const fn add(&mut self, action: Action) {
        match action {
            Action::Trust => self.trusted += 1,
            Action::Deny | Action::Retire => self.others += 1,
        }
    }

    const fn have_room_for(&self, action: Action) -> bool {
        let is_room = self.trusted + self.others < Self::ALL;
        match action {
            Action::Trust => is_room,
            Action::Deny | Action::Retire => is_room && self.others < Self::OTHERS,
        }
    }
}

impl Plan {
    fn set(&mut self, entry: &Entry, expires_ns: Option<u64>) {
        let entry_to_be = NewEntry {
            prefix: entry.prefix,
            label: entry.label.clone(),
            origin: entry.origin.clone(),
            expires_ns,
            saved: true,
        };
        self.edits.set.push((entry.action, entry_to_be));
    }

    fn change(&mut self, present: &Entry, wanted: &Entry) {
        let is_ours = present.saved || present.origin == wanted.origin;
        if present.action != wanted.action {
            if is_ours {
                self.edits.remove.push((present.action, present.prefix));
                self.set(wanted, None);
            } else {
                self.contradicted
                    .push((present.prefix, present.action, wanted.action));
            }
        } else if is_ours && differs(present, wanted) || present.expires_ns.is_some() {
            self.set(wanted, None);
        }
    }
}

fn differs(present: &Entry, wanted: &Entry) -> bool {
    let key = |entry: &Entry| (entry.saved, entry.label.clone(), entry.origin.clone());
    key(present) != key(wanted) || present.expires_ns.map(NonZeroU64::get).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{entry::Label, prefix};

    const NOW: u64 = 1_000;

    fn net(text: &str) -> IpNet {
        prefix::parse(text).unwrap()
    }

    fn new(text: &str, place: &str) -> NewEntry {
        NewEntry {
            prefix: net(text),
            label: Label::new("label").unwrap(),
            origin: Origin::new(place),
            expires_ns: None,
            saved: true,
        }
    }

    fn group(action: Action, place: &str, prefixes: &[&str]) -> Group {
        let entries = prefixes.iter().map(|text| new(text, place)).collect();
        Group { action, entries }
    }

    fn shown(rules: &Rules) -> Vec<String> {
        let shown = |entry: &Entry| format!("{} {} {}", entry.action, entry.prefix, entry.origin.as_str());
        rules.iter().map(shown).collect()
    }

    /// What is there: each entry with who put it there and whether it has a deadline.
    fn present(entries: &[(Action, &str, &str, bool, Option<u64>)]) -> Rules {
        let entry =
            |(action, text, place, saved, deadline): &(Action, &str, &str, bool, Option<u64>)| Entry {
                saved: *saved,
                expires_ns: deadline.and_then(NonZeroU64::new),
                ..wanted(*action, new(text, place))
            };
        entries.iter().map(entry).collect::<Vec<_>>().into()
    }

    fn goings() -> Goings {
        let feeds = HashMap::from([
            (Origin::new("provider:p"), Going::After(Duration::from_nanos(500))),
            (Origin::new("source:at-once"), Going::After(Duration::ZERO)),
            (Origin::new("source:unknown"), Going::Never),
        ]);
        Goings {
            feeds,
            are_some_missing: false,
        }
    }

    fn edits(present: &Rules, wanted: &[Group]) -> (Vec<String>, Vec<String>) {
        let wanted = wanted.iter().map(|group| Group {
            action: group.action,
            entries: group.entries.clone(),
        });
        let plan = plan(present, &merge(vec![wanted.collect()]), &goings(), NOW);
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
        let plan = plan(&there, &merge(vec![wanted.into()]), &goings(), NOW);
        assert_eq!(
            plan.contradicted,
            [(net("11.0.0.0/8"), Action::Trust, Action::Deny)]
        );
    }

    #[test]
    fn more_than_can_have_a_deadline_goes_at_once() {
        let entry = |action, n: u32| {
            let text = format!("{}.{}.{}.0/24", 10 + (n >> 16), n >> 8 & 255, n & 255);
            wanted(action, new(&text, "provider:p"))
        };
        let leaves = |there: Vec<Entry>| {
            let plan = plan(&there.into(), &Rules::default(), &goings(), NOW);
            assert_eq!(plan.edits.remove.len(), plan.hurried);
            (plan.leaving, plan.hurried)
        };
        let (all, others) = (Deadlines::ALL as u32, Deadlines::OTHERS as u32);
        let trusted = |numbers: std::ops::Range<u32>| numbers.map(|n| entry(Action::Trust, n));
        let denied = |numbers: std::ops::Range<u32>| numbers.map(|n| entry(Action::Deny, n));
        assert_eq!(leaves(trusted(0..all + 3).collect()), (all as usize, 3));
        assert_eq!(leaves(denied(0..others + 3).collect()), (others as usize, 3));
        // However many are denied no longer, those who are trusted have the time that they should have.
        let both = denied(0..all).chain(trusted(all..2 * all - others));
        assert_eq!(leaves(both.collect()), (all as usize, (all - others) as usize));
    }
}

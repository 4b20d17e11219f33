//! A change of one entry happens inside the generation in force. If the command is killed, the next one finishes the
//! change. Until then, commands show the same state as packets see.

use std::path::Path;

use aya::maps::{Array, Map, MapData};
use filter_common::Decision;
use filter_user::{
    filter::instance::Instance,
    lists::{
        header::{Header, Intent},
        in_force::Lists,
        in_place::{Editor, Plan},
        tries::Tries,
    },
    model::{
        entry::{Action, Label, NewEntry, Origin as From},
        prefix,
    },
    pins::directory::Pins,
    sys::flock::Access,
};

use tests::origin::{Origin, PINS, killing};

fn generation() -> u32 {
    let map = MapData::from_pin(format!("{PINS}/generation")).expect("a pinned map");
    let map: Array<_, u32> = Map::from_map_data(map)
        .expect("a known kind")
        .try_into()
        .expect("an array");
    map.get(&0, 0).expect("a number")
}

#[test]
fn one_entry_stays_in_the_generation_and_several_make_another() {
    let origin = Origin::up();
    let first = generation();
    for change in [
        "trust add 192.0.2.0/24 --label office",
        "trust add 192.0.2.0/24 --label cafe",
        "deny add 192.0.2.7 --for 1h",
        "retire add 203.0.113.9",
        "trust add 2001:db8:1::/48",
        "trust remove 192.0.2.0/24",
        "deny remove 192.0.2.7",
    ] {
        origin.synwall(change);
        assert_eq!(generation(), first, "{change}");
    }
    origin.filters();
    origin.synwall("trust add 192.0.2.0/24 192.0.3.0/24");
    assert_ne!(generation(), first);
    let second = generation();
    origin.synwall("trust remove 192.0.2.0/24 192.0.3.0/24");
    assert_ne!(generation(), second);
    assert_eq!(origin.list("trust"), ["185.94.108.0/24", "2001:db8:1::/48"]);
    origin.filters();
}

#[test]
fn a_list_that_is_full_in_its_place_is_built_anew() {
    let origin = Origin::up();
    // A page has 4,096 places and 1,024 labels. This list leaves few spare places.
    let mut list = String::from("185.94.108.0/24\n");
    (0..900_u32).for_each(|n| list += &format!("11.{}.{}.0/24\n", n >> 8, n & 255));
    origin
        .site
        .synwall_with_input(["trust", "replace", "-"], &list)
        .ok();
    let filter = Instance::open_for_change(Path::new(PINS));
    let mut filter = filter.expect("the filter");
    let first = filter.lists().number();
    for number in 0..1100_u32 {
        let entry = NewEntry {
            prefix: prefix::parse(&format!("12.{}.{}.0/24", number >> 8, number & 255)).expect("a prefix"),
            label: Label::new(&format!("label-{number}")).expect("a label"),
            origin: From::manual(),
            expires_ns: None,
            saved: false,
        };
        let change = filter_user::filter::change::Change::Add {
            entries: vec![entry],
            force: false,
        };
        filter.change(Action::Trust, change).expect("a change");
    }
    assert_ne!(filter.lists().number(), first, "there was room for all labels");
    drop(filter);
    assert_eq!(origin.list("trust").len(), 2001);
    origin.filters();
}

/// Leaves a change half done: the intent is recorded, and `half` changes some of the tries.
fn leave_half_done(plan: impl Fn(&Editor<'_>) -> Plan, half: impl Fn(&mut Tries, &Intent)) {
    let pins = Pins::open(Path::new(PINS), Access::Change).expect("the filter");
    let lists = Lists::open(&pins).expect("the lists");
    let editor = Editor::open(&pins, &lists).expect("the lists");
    let plan = plan(&editor);
    editor.prepare(&plan).expect("names and places");
    let intent = plan.intent;
    let directory = format!("generation{}", lists.number());
    Header::open(&pins, &directory)
        .expect("the header")
        .begin(&intent);
    half(&mut Tries::open(&pins, &directory).expect("the tries"), &intent);
}

fn entry(text: &str, label: &str) -> NewEntry {
    NewEntry {
        prefix: prefix::parse(text).expect("a prefix"),
        label: Label::new(label).expect("a label"),
        origin: From::manual(),
        expires_ns: None,
        saved: false,
    }
}

/// Checks that all commands agree on whether 192.0.2.0/24 is trusted, before and after the next change.
fn agrees(origin: &Origin, is_listed: bool) {
    for change in [
        "trust add 198.51.101.0/24",
        "trust remove 198.51.101.0/24",
        "status",
    ] {
        let check = origin.run("trust check 192.0.2.1");
        assert_eq!(check.code, Some(i32::from(!is_listed)), "{check}");
        let listed = origin.list("trust");
        assert_eq!(
            listed.contains(&"192.0.2.0/24".to_owned()),
            is_listed,
            "{listed:?}"
        );
        assert_eq!(origin.json("status --json")["trusted"]["v4"], listed.len());
        origin.filters();
        origin.synwall(change);
    }
    // The place of the entry is free or taken, but not both.
    for number in 0..8 {
        origin.synwall(&format!("trust add 11.0.{number}.0/24"));
    }
    assert_eq!(origin.list("trust").len(), 9 + usize::from(is_listed));
}

#[test]
fn an_addition_that_was_only_noted_never_was() {
    let origin = Origin::up();
    leave_half_done(
        |editor| {
            editor
                .plan(Action::Trust, &entry("192.0.2.0/24", "x"), None)
                .expect("a plan")
                .expect("room")
        },
        |_, _| {},
    );
    agrees(&origin, false);
}

#[test]
fn an_addition_that_packets_see_is_finished() {
    let origin = Origin::up();
    leave_half_done(
        |editor| {
            editor
                .plan(Action::Trust, &entry("192.0.2.0/24", "x"), None)
                .expect("a plan")
                .expect("room")
        },
        |tries, intent| {
            let decision = Decision::new(Action::Trust.kernel(), intent.slot, false);
            let prefix = intent.after.prefix().expect("a prefix");
            tries.insert(Action::Trust, prefix, decision).expect("an entry");
        },
    );
    agrees(&origin, true);
}

#[test]
fn a_removal_that_was_only_noted_never_was() {
    let origin = Origin::up();
    origin.synwall("trust add 192.0.2.0/24");
    let prefix = prefix::parse("192.0.2.0/24").expect("a prefix");
    leave_half_done(
        |editor| {
            let (slot, record) = editor
                .find(Action::Trust, prefix)
                .expect("a look")
                .expect("the entry");
            editor.plan_removal(slot, record)
        },
        |_, _| {},
    );
    agrees(&origin, true);
}

#[test]
fn a_removal_that_packets_see_is_finished() {
    let origin = Origin::up();
    origin.synwall("trust add 192.0.2.0/24");
    let prefix = prefix::parse("192.0.2.0/24").expect("a prefix");
    leave_half_done(
        |editor| {
            let (slot, record) = editor
                .find(Action::Trust, prefix)
                .expect("a look")
                .expect("the entry");
            editor.plan_removal(slot, record)
        },
        |tries, _| tries.remove(Action::Trust, prefix).expect("the entry"),
    );
    agrees(&origin, false);
}

#[test]
fn killed_at_any_instant_the_numbers_and_the_list_agree() {
    let origin = Origin::up();
    let command = |arguments: &str| origin.site.synwall_command(arguments.split(' '));
    let changes = [
        "trust add 192.0.2.0/24 --for 1h --label a",
        "deny add 192.0.2.7",
        "trust add 192.0.2.0/24 --label b",
        "deny remove 192.0.2.7",
        "trust remove 192.0.2.0/24",
    ];
    let whole = killing::duration_of(&mut command(changes[0]));
    origin.synwall(changes[4]);
    for time in 0..60 {
        killing::after(
            &mut command(changes[time as usize % changes.len()]),
            whole * (time % 12) / 10,
        );
        let status = origin.json("status --json");
        for (list, name) in [("trust", "trusted"), ("deny", "denied")] {
            assert_eq!(status[name]["v4"], origin.list(list).len(), "{status}");
        }
        let check = origin.run("trust check 192.0.2.1");
        let is_listed = origin.list("trust").contains(&"192.0.2.0/24".to_owned());
        assert_eq!(check.code, Some(i32::from(!is_listed)), "{check}");
        origin.filters();
    }
}

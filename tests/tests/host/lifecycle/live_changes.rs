//! Changes under attack: the program is replaced between two packets, and the link stays.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
};

use aya::maps::{Array, Map, MapData};
use filter_common::InterfaceRecord;

use tests::origin::{Origin, interface_pins, objects::Objects};

/// Ends the traffic, also when a test fails. Its threads would otherwise run for ever.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Does the work while the proxy requests pages and the attacker tries to connect. All requests must succeed, and no
/// attempt may.
fn under_attack(origin: &Origin, work: impl FnOnce()) {
    let (done, served, tried) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let capture = origin.site.attacker.capture();
    thread::scope(|scope| {
        let ends = Ends(&done);
        scope.spawn(|| {
            while !done.load(Relaxed) {
                origin.serves_the_proxy();
                served.fetch_add(1, Relaxed);
            }
        });
        scope.spawn(|| {
            while !done.load(Relaxed) {
                tried.fetch_add(origin.attack(), Relaxed);
            }
        });
        work();
        drop(ends);
    });
    let (served, tried) = (served.into_inner(), tried.into_inner());
    assert!(
        served > 50 && tried > 500,
        "{served} and {tried} are too few to prove anything"
    );
    origin.has_not_answered(&capture);
}

#[test]
fn fifty_changes_leave_no_gap() {
    let origin = Origin::up();
    let links = Objects::of(&origin).links;
    let mut programs = BTreeSet::new();
    under_attack(&origin, || {
        for (change, number) in [
            "--drop unestablished",
            "--drop all",
            "--udp 443",
            "--udp none",
            "--drop new",
        ]
        .iter()
        .cycle()
        .zip(0..50)
        {
            origin.synwall(&format!("set {change}"));
            if number % 10 == 0 {
                programs.extend(Objects::of(&origin).programs);
            }
        }
    });
    assert_eq!(Objects::of(&origin).links, links, "the link was not kept");
    assert_eq!(programs.len(), 5, "the program was not replaced: {programs:?}");
}

#[test]
fn lists_that_come_and_go_leave_no_gap() {
    let origin = Origin::up();
    let links = Objects::of(&origin).links;
    under_attack(&origin, || {
        // The first and the last entry of these lists also replace the program.
        for _ in 0..3 {
            origin.synwall("deny add 198.51.100.0/24");
            origin.synwall("retire add 203.0.113.9");
            origin.synwall("retire remove 203.0.113.9");
            origin.synwall("deny remove 198.51.100.0/24");
        }
    });
    assert_eq!(Objects::of(&origin).links, links);
}

#[test]
fn an_upgrade_leaves_no_gap() {
    let origin = Origin::up();
    let before = Objects::of(&origin);
    // As if another version had brought the filter up with another program.
    let path = interface_pins()[0].join("interface_record");
    let map = Map::from_map_data(MapData::from_pin(path).expect("a map")).expect("an array");
    let mut map = Array::<_, InterfaceRecord>::try_from(map).expect("a record");
    let mut record = map.get(&0, 0).unwrap();
    record.program_hash ^= 1;
    map.set(0, record, 0).unwrap();
    under_attack(&origin, || {
        let output = origin.synwall("up eth0");
        assert!(output.stderr.contains("eth0: was up already"), "{output}");
        // Long enough for some requests.
        (0..5).for_each(|_| drop(origin.synwall("status")));
        thread::sleep(std::time::Duration::from_millis(300));
    });
    let after = Objects::of(&origin);
    assert_eq!(after.links, before.links, "the link was not kept");
    assert_ne!(after.programs, before.programs, "the program was not replaced");
}

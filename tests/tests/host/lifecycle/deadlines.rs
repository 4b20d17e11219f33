//! An expiry belongs to the generation of its list. A killed change does not move it.

use std::{process::Stdio, thread::sleep, time::Duration};

use aya::maps::{Array, HashMap, Map, MapData};
use filter_common::Expiry;

use tests::origin::{Origin, PINS};

/// The expiries that the program reads, in nanoseconds.
fn in_force() -> Vec<u64> {
    let open = |name: &str| {
        let map = MapData::from_pin(format!("{PINS}/{name}")).expect("a pinned map");
        Map::from_map_data(map).expect("a known kind")
    };
    let generation: Array<_, u32> = open("generation").try_into().expect("an array");
    let generation = generation.get(&0, 0).expect("a number");
    let expiries: HashMap<_, u32, Expiry> = open("expiries").try_into().expect("a hash map");
    expiries
        .iter()
        .map(|entry| entry.expect("an entry"))
        .filter(|(key, _)| Expiry::generation(*key) == generation)
        .map(|(_, expiry)| expiry.deadline_ns)
        .collect()
}

fn shown(origin: &Origin) -> u64 {
    let document = origin.json("trust list --json");
    let rows = document["prefixes"].as_array().expect("rows");
    rows.iter()
        .find_map(|row| row["expires_seconds"].as_u64())
        .expect("an expiry")
}

#[test]
fn a_killed_change_leaves_the_deadline_that_the_list_shows() {
    let origin = Origin::up();
    origin.synwall("trust add 192.0.2.7 --for 1h");
    let mut killed_before = 0;
    for delay in 0..40 {
        let longer = ["trust", "add", "192.0.2.7", "--for", "10h"];
        let mut command = origin.site.synwall_command(longer);
        let mut child = command.stderr(Stdio::null()).spawn().expect("synwall");
        sleep(Duration::from_millis(delay));
        let _ = child.kill();
        child.wait().expect("our own process");
        // The list shows the same expiry as the program uses, for either generation.
        let deadlines = in_force();
        assert_eq!(deadlines.len(), 1, "{deadlines:?}");
        let left =
            deadlines[0].saturating_sub(filter_user::sys::clock::now_ns().expect("a clock")) / 1_000_000_000;
        assert!(
            left.abs_diff(shown(&origin)) <= 2,
            "{left} s left, {} s shown",
            shown(&origin)
        );
        killed_before += u32::from(left <= 3600);
        origin.synwall("trust add 192.0.2.7 --for 1h");
    }
    assert!(killed_before > 0, "no command was killed before it was done");
}

//! A first `up` that is killed at any time: the next `up` works as a first one.

use std::path::Path;

use aya::maps::{Array, Map, MapData};

use crate::lifecycle::killed::TIMES;
use tests::origin::{Origin, PINS, UP, interface_pins, killing};

const FIRST: &str = "up eth0 --provider qrator --trust 192.0.2.0/24 --drop all --tcp 80,8080";

/// Kills a first `up` at times spread over its duration. `check` sees what is left each time.
fn each_time_killed(check: impl Fn(&Origin)) {
    let origin = Origin::new();
    let command = || origin.site.synwall_command(FIRST.split(' '));
    let whole = killing::duration_of(&mut command());
    for time in 0..TIMES {
        if Path::new(PINS).exists() {
            origin.synwall("down --all");
        }
        killing::after(&mut command(), whole * time / TIMES);
        check(&origin);
    }
}

#[test]
fn the_next_up_works() {
    each_time_killed(|origin| {
        // If the filter is not on, `status` does not say that it is.
        let status = origin.run("status --json");
        let on = status.code == Some(0) && status.stdout.contains(r#""state":"attached""#);
        if on {
            origin.filters();
        } else {
            origin.serves_everybody();
        }
        origin.synwall(UP);
        origin.filters();
        assert_eq!(interface_pins().len(), 1);
        origin.synwall("trust add 198.51.101.0/24");
    });
}

#[test]
fn down_all_clears_what_is_left() {
    each_time_killed(|origin| {
        if Path::new(PINS).exists() {
            origin.synwall("down --all");
        }
        assert!(!Path::new(PINS).exists());
        origin.serves_everybody();
    });
}

#[test]
fn the_next_up_never_enforces_with_nobody_trusted() {
    each_time_killed(|origin| {
        let output = origin.run("up eth0");
        match output.code {
            Some(0) => assert!(
                !origin.list("trust").is_empty(),
                "everybody is locked out\n{output}"
            ),
            _ => origin.serves_everybody(),
        }
    });
}

#[test]
fn the_next_up_has_the_settings_that_it_asks_for() {
    each_time_killed(|origin| {
        let on = origin.run("status").code == Some(0);
        origin.synwall(UP);
        let status = origin.json("status --json");
        let is = (status["drop"].as_str().unwrap(), status["tcp"].to_string());
        // The killed command either finished, or left nothing behind.
        let expected = if on {
            ("all", "[80,8080]")
        } else {
            ("new", "[80,443]")
        };
        assert_eq!(
            (is.0, is.1.as_str()),
            expected,
            "settings of an `up` that never came to be"
        );
    });
}

/// The moment between a complete filter and its first list. Random kills rarely hit it.
#[test]
fn killed_before_its_first_list_it_does_not_lead_to_a_lock_out() {
    let origin = Origin::new();
    origin.synwall("up eth0 --observe");
    origin.synwall("down eth0");
    // The same maps as after a killed `up eth0 --trust …`: no entries, and the policy is `enforce`.
    let map = Map::from_map_data(MapData::from_pin(Path::new(PINS).join("settings")).unwrap()).unwrap();
    const LENGTH: usize = 2 * filter_common::PORT_SET_BYTES + 24;
    const POLICY: usize = LENGTH - 12;
    let mut map = Array::<_, [u8; LENGTH]>::try_from(map).expect("the settings");
    let mut settings = map.get(&0, 0).unwrap();
    settings[POLICY..POLICY + 4].fill(0);
    map.set(0, settings, 0).unwrap();
    let output = origin.run("up eth0");
    assert_eq!(output.code, Some(2), "it enforces with nobody trusted\n{output}");
    origin.serves_everybody();
    origin.synwall(UP);
    origin.filters();
}

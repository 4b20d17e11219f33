//! An `up` of two interfaces that fails on the second one: the first one is as before.

use std::path::Path;

use tests::origin::{Origin, PINS, objects::Objects};

#[test]
fn on_a_new_filter_leaves_no_pin() {
    let origin = Origin::new();
    origin.add_interface("eth1");
    // Another filter uses this interface.
    origin.synwall("up eth1 --provider qrator --pin-dir /sys/fs/bpf/second");
    for (arguments, why) in [
        (
            "up eth0 eth1 --provider qrator",
            "eth1 already has another XDP program",
        ),
        ("up eth0 eth9 --provider qrator", "there is no interface 'eth9'"),
        // The second interface fails after the first one is attached.
        (
            "up eth0 lo --provider qrator --xdp native",
            "lo cannot run XDP natively",
        ),
    ] {
        let output = origin.run(arguments).exits(1);
        assert!(output.stderr.contains(why), "{output}");
        assert!(!Path::new(PINS).exists(), "pins are left\n{output}");
        origin.serves_everybody();
    }
}

#[test]
fn on_a_running_filter_leaves_it_as_it_was() {
    let origin = Origin::up();
    origin.add_interface("eth1");
    origin.synwall("trust add 192.0.2.0/24 --label cafe");
    let before = (Objects::of(&origin), origin.list("trust"));
    for arguments in [
        "up eth1 lo --xdp native",
        "up eth1 lo --xdp native --trust 198.51.100.0/24",
        "up eth1 eth9",
    ] {
        origin.run(arguments).exits(1);
        let status = origin.json("status --json");
        assert_eq!(status["interfaces"].as_array().unwrap().len(), 1, "{status}");
        assert_eq!(Objects::of(&origin).links, before.0.links);
        assert_eq!(origin.list("trust"), before.1);
        origin.filters();
    }
}

#[test]
fn on_a_running_filter_leaves_its_settings_as_they_were() {
    let origin = Origin::up();
    let shown = || {
        let status = origin.json("status --json");
        ["policy", "drop", "tcp", "udp"].map(|key| status[key].clone())
    };
    let before = shown();
    origin
        .run("up lo --xdp native --drop all --tcp 22 --udp 53")
        .exits(1);
    assert_eq!(shown(), before);
    origin.run("up lo --xdp native --observe").exits(1);
    assert_eq!(shown(), before);
    origin.filters();
}

#[test]
fn with_a_confirmation_leaves_nothing_either() {
    let origin = Origin::new();
    origin
        .run("up eth0 lo --provider qrator --xdp native --confirm 60s")
        .exits(1);
    assert!(!Path::new(PINS).exists());
    origin.serves_everybody();
}

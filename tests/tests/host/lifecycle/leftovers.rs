//! Leftovers of a killed command in the pin directory, created by hand here. The next command removes them.

use std::{fs, os::unix::fs::DirBuilderExt as _, path::Path};

use aya::maps::Array;

use tests::origin::{Origin, PINS, UP, pins};

/// Creates a directory with the mode that commands use.
fn make_directory(path: &Path) {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .unwrap();
}

fn pin(name: &str) {
    let path = Path::new(PINS).join(name);
    make_directory(path.parent().unwrap());
    Array::<_, u64>::create(1, 0)
        .expect("a map")
        .pin(path)
        .expect("a pin");
}

#[test]
fn half_a_pin_directory_is_cleared_by_the_next_up() {
    for left in [
        &[][..],
        &["settings"],
        &["expiries", "generation", "generation0/entries"],
        &["generation1/entries", "chunks/0", "chunks/7", "sources_v4"],
        &[
            "interface_scratch/interface_counts",
            "interface_2_1/interface_record",
            "interface_99_4026531840/junk",
        ],
    ] {
        let origin = Origin::new();
        make_directory(Path::new(PINS));
        left.iter().for_each(|name| pin(name));
        let status = origin.run("status").exits(1);
        assert!(status.stderr.contains("synwall is not up"), "{status}");
        origin.synwall(UP);
        origin.filters();
        let all = pins(Path::new(PINS));
        for name in left
            .iter()
            .filter(|name| name.contains("interface_") || name.contains("chunks/7"))
        {
            assert!(
                !all.contains(&Path::new(PINS).join(name)),
                "{name} is left: {all:?}"
            );
        }
        origin.synwall("trust add 192.0.2.0/24");
    }
}

#[test]
fn half_a_pin_directory_is_cleared_by_down_all() {
    let origin = Origin::new();
    [
        "settings",
        "generation0/entries",
        "interface_2_1/interface_record",
    ]
    .iter()
    .for_each(|name| pin(name));
    origin.synwall("down --all");
    assert!(!Path::new(PINS).exists());
}

#[test]
fn half_an_interface_in_a_running_filter_is_cleared_by_the_next_change() {
    let origin = Origin::up();
    pin("interface_77_4026531840/interface_record");
    fs::create_dir(Path::new(PINS).join("interface_78_4026531840")).unwrap();
    origin.synwall("status");
    origin.synwall("trust add 192.0.2.0/24");
    let left: Vec<_> = pins(Path::new(PINS))
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("interface_7"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    origin.filters();
}

#[test]
fn half_a_generation_in_a_running_filter_is_built_anew() {
    let origin = Origin::up();
    for name in ["generation0/entries", "generation1/entries"] {
        if !Path::new(PINS).join(name).exists() {
            pin(name);
        }
    }
    origin.synwall("trust add 192.0.2.0/24");
    origin.synwall("trust add 192.0.3.0/24");
    assert_eq!(origin.list("trust").len(), 3);
    origin.filters();
}

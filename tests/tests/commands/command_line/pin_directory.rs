//! The pin directory: another path, another owner, another layout version, and wrong content.

use std::{fs, path::Path};

use aya::maps::{Array, HashMap};
use filter_common::LAYOUT_VERSION;
use insta::assert_snapshot;

use crate::command_line::console::{Console, PINS};

/// Commands that change something. Each must refuse a directory that it must not touch.
const CHANGES: [&str; 7] = [
    "up eth0 --provider qrator",
    "down eth0",
    "trust add 192.0.2.0/24",
    "deny add 192.0.2.0/24",
    "retire add 192.0.2.0/24",
    "set --observe",
    "confirm",
];

fn pin_layout(magic: [u8; 8], version: u32) {
    let mut map = Array::<_, [u8; 16]>::create(1, 0).expect("a map");
    let mut record = [0; 16];
    record[..8].copy_from_slice(&magic);
    record[8..12].copy_from_slice(&version.to_ne_bytes());
    map.set(0, record, 0).expect("a value");
    let path = Path::new(PINS).join("layout");
    let _ = fs::remove_file(&path);
    map.pin(path).expect("a pin");
}

/// An empty directory with the owner and mode of a pin directory.
fn make_pins() {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir(PINS).unwrap();
    fs::set_permissions(PINS, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn the_environment_names_another_place() {
    let console = Console::new();
    let run = |arguments: &str| {
        let mut command = console.command(arguments);
        tests::lab::Output::of(command.env("SYNWALL_PIN_DIR", "/sys/fs/bpf/by/environment"))
    };
    run("up eth0 --provider qrator").ok();
    assert!(Path::new("/sys/fs/bpf/by/environment/layout").exists() && !Path::new(PINS).exists());
    run("status").ok();
    console.run("status").exits(1);
    console.run("status --pin-dir /sys/fs/bpf/by/environment").ok();
    // The option has priority over the environment.
    run("status --pin-dir /sys/fs/bpf/synwall").exits(1);
    run("down --all").ok();
    assert!(!Path::new("/sys/fs/bpf/by/environment").exists());
}

#[test]
fn a_relative_place_is_found_from_the_working_directory() {
    let console = Console::new();
    let run = |arguments: &str| {
        tests::lab::Output::of(console.command(arguments).current_dir("/sys/fs/bpf")).ok();
    };
    run("up eth0 --provider qrator --pin-dir here");
    run("status --pin-dir here");
    console.run("status --pin-dir /sys/fs/bpf/here").ok();
    run("down --all --pin-dir here");
}

#[test]
fn a_directory_with_somebody_elses_map_is_left_alone() {
    let console = Console::new();
    make_pins();
    let theirs = Array::<_, u32>::create(1, 0).expect("a map");
    theirs.pin(Path::new(PINS).join("theirs")).expect("a pin");
    let shown =
        console.refuses(1, &CHANGES) + &console.refuses(1, &["down --all", "status", "trust list", "stats"]);
    assert_eq!(
        shown.matches("'theirs' lies there").count(),
        CHANGES.len() + 4,
        "{shown}"
    );
    assert!(Path::new(PINS).join("theirs").exists());
}

#[test]
fn a_directory_with_somebody_elses_layout_is_left_alone() {
    let console = Console::new();
    make_pins();
    pin_layout(*b"somebody", LAYOUT_VERSION);
    let shown = console.refuses(1, &CHANGES) + &console.refuses(1, &["down --all", "status"]);
    assert_eq!(
        shown.matches("is not a place for synwall").count(),
        CHANGES.len() + 2,
        "{shown}"
    );
}

#[test]
fn a_filter_of_another_version_is_not_changed_but_can_be_removed() {
    let console = Console::up();
    pin_layout(*b"synwall\0", LAYOUT_VERSION + 1);
    let shown = console.refuses(1, &CHANGES) + &console.refuses(1, &["status", "trust list"]);
    assert_eq!(
        shown.matches("another version").count(),
        CHANGES.len() + 2,
        "{shown}"
    );
    assert_eq!(
        shown.matches("synwall down --all").count(),
        CHANGES.len() + 2,
        "{shown}"
    );
    assert_eq!(console.filtered_interfaces(), ["eth0"], "it stopped filtering");
    assert_snapshot!(console.refuses(1, &["trust add 192.0.2.0/24"]));
    console.run("down --all").ok();
    assert!(!Path::new(PINS).exists());
    assert_eq!(console.filtered_interfaces(), [""; 0], "it still filters");
}

#[test]
fn a_shared_map_of_another_size_is_not_written_to() {
    let console = Console::up();
    let path = Path::new(PINS).join("expiries");
    fs::remove_file(&path).unwrap();
    let other = HashMap::<_, u32, [u8; 16]>::create(16, 0).expect("a map");
    other.pin(&path).expect("a pin");
    // `down` writes to no shared map, and must always work.
    let changes: Vec<&str> = CHANGES
        .into_iter()
        .filter(|verb| !verb.starts_with("down"))
        .collect();
    let shown = console.refuses(1, &changes);
    for named in ["its map 'expiries'", "synwall down --all"] {
        assert_eq!(shown.matches(named).count(), changes.len(), "{shown}");
    }
    console.run("down eth0").ok();
    console.run("down --all").ok();
    assert!(!Path::new(PINS).exists());
}

#[test]
fn a_shared_map_that_is_missing_is_named() {
    for name in ["sources_v4", "source_sets", "settings", "generation"] {
        let console = Console::up();
        fs::remove_file(Path::new(PINS).join(name)).unwrap();
        let shown = console.refuses(1, &["trust add 192.0.2.0/24", "set --drop all"]);
        assert_eq!(shown.matches(name).count(), 2, "{name} is not named:\n{shown}");
        console.run("down --all").ok();
        assert!(!Path::new(PINS).exists());
    }
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let console = Console::new();
    fs::create_dir("/run/laboratory/elsewhere").unwrap();
    fs::write("/run/laboratory/elsewhere/file", "precious").unwrap();
    std::os::unix::fs::symlink("/run/laboratory/elsewhere", PINS).unwrap();
    console.refuses(1, &CHANGES);
    console.refuses(1, &["down --all", "status"]);
    assert!(Path::new("/run/laboratory/elsewhere/file").exists());
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let console = Console::new();
    fs::create_dir(PINS).unwrap();
    fs::set_permissions(PINS, fs::Permissions::from_mode(0o777)).unwrap();
    let shown = console.refuses(1, &["up eth0 --provider qrator", "down --all"]);
    assert_eq!(
        shown.matches("mode 777: others could change it").count(),
        2,
        "{shown}"
    );
    fs::set_permissions(PINS, fs::Permissions::from_mode(0o700)).unwrap();
    chown(PINS, Some(65534), None).unwrap();
    let shown = console.refuses(1, &["up eth0 --provider qrator"]);
    assert!(shown.contains("belongs to user 65534"), "{shown}");
}

#[test]
fn a_filter_does_not_lie_inside_another_and_takes_nothing_foreign_with_it() {
    let console = Console::up();
    let shown = console.refuses(
        1,
        &["up eth0 --provider qrator --pin-dir /sys/fs/bpf/synwall/second"],
    );
    assert!(shown.contains("inside the filter /sys/fs/bpf/synwall"), "{shown}");
    fs::create_dir(Path::new(PINS).join("theirs")).unwrap();
    let shown = console.refuses(1, &["down --all"]);
    assert!(shown.contains("'theirs' lies there"), "{shown}");
    assert_eq!(console.filtered_interfaces(), ["eth0"]);
    fs::remove_dir(Path::new(PINS).join("theirs")).unwrap();
    console.run("down --all").ok();
}

//! At the path of a pinned map there may be another map, the pin of a program, a link, a directory, or nothing.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use aya::{
    maps::{Array, HashMap, MapInfo, PerCpuArray},
    programs::links::{FdLink, PinnedLink},
};

use crate::hostile::{
    map::Pinned,
    victim::{PINS, Victim},
};

const COMMANDS: [&str; 11] = [
    "status",
    "trust list",
    "trust check 185.94.108.1",
    "stats",
    "trust add 198.51.100.0/24",
    "deny remove 198.51.100.66",
    "retire add 203.0.113.98 203.0.113.97",
    "set --drop all",
    "confirm",
    "up eth0 --trust 192.0.2.64/26",
    "down eth0",
];

/// Where the original pin is moved to.
const ASIDE: &str = "/sys/fs/bpf/aside";

/// The thing that replaces a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Nothing,
    Directory,
    LinkToNowhere,
    LinkToItself,
    XdpLink,
    SmallArray,
    PerCpuArray,
    Hash,
    /// One record of the right size, where the map should have more.
    ShortArray,
}

const THINGS: [Thing; 9] = [
    Thing::Nothing,
    Thing::Directory,
    Thing::LinkToNowhere,
    Thing::LinkToItself,
    Thing::XdpLink,
    Thing::SmallArray,
    Thing::PerCpuArray,
    Thing::Hash,
    Thing::ShortArray,
];

fn put(thing: Thing, path: &Path) {
    match thing {
        Thing::Nothing => {}
        Thing::Directory => fs::create_dir(path).unwrap(),
        Thing::LinkToNowhere => symlink("/nowhere", path).unwrap(),
        Thing::LinkToItself => symlink(path, path).unwrap(),
        Thing::XdpLink => {
            // A second pin of the same link, because bpffs has no hard links.
            let here = links(Path::new(PINS)).pop();
            let link = here.or_else(|| links(Path::new("/sys/fs/bpf")).pop());
            let link = PinnedLink::from_pin(link.unwrap_or_else(|| ASIDE.into())).unwrap();
            FdLink::from(link).pin(path).unwrap();
        }
        Thing::SmallArray => Array::<_, u64>::create(1, 0).unwrap().pin(path).unwrap(),
        Thing::PerCpuArray => PerCpuArray::<_, [u64; 8]>::create(4, 0)
            .unwrap()
            .pin(path)
            .unwrap(),
        Thing::Hash => HashMap::<_, u32, [u64; 8]>::create(16, 0)
            .unwrap()
            .pin(path)
            .unwrap(),
        Thing::ShortArray => match MapInfo::from_pin(ASIDE).map(|info| info.value_size()) {
            Ok(4) => short::<4>(path),
            Ok(8) => short::<8>(path),
            Ok(32) => short::<32>(path),
            Ok(64) => short::<64>(path),
            Ok(128) => short::<128>(path),
            _ => short::<16>(path),
        },
    }
}

fn short<const BYTES: usize>(path: &Path) {
    let map = Array::<_, [u8; BYTES]>::create(1, filter_user::sys::bpf::mapped::MMAPABLE);
    map.unwrap().pin(path).unwrap();
}

fn links(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let links = entries.filter(|path| path.is_dir()).map(|path| path.join("link"));
    links.filter(|link| link.exists()).collect()
}

/// Replaces one pin after another. A thorough run puts every thing at each path. A short run puts one thing at each
/// path, and a short array in place of each memory-mapped map.
fn replace(pins: impl Fn(&Path) -> Vec<PathBuf>) {
    let victim = Victim::new();
    victim.up();
    let pins = pins(Path::new(PINS));
    victim.down();
    assert!(!pins.is_empty());
    for (number, pin) in pins.iter().enumerate() {
        let is_mapped = ["header", "pages", "labels", "origins"]
            .iter()
            .any(|name| pin.ends_with(name));
        let chosen = |(other, thing): &(usize, Thing)| {
            tests::thorough() || *other == number % THINGS.len() || is_mapped && *thing == Thing::ShortArray
        };
        for (_, thing) in THINGS.into_iter().enumerate().filter(chosen) {
            victim.up();
            println!("{thing:?} as {}", pin.display());
            fs::rename(pin, ASIDE).unwrap();
            put(thing, pin);
            for command in COMMANDS {
                println!("{}", victim.run(command));
            }
            let _ = fs::remove_file(ASIDE).or_else(|_| fs::remove_dir_all(ASIDE));
            victim.down();
            victim.is_free();
        }
    }
}

#[test]
fn other_things_in_the_place_of_maps_are_told_and_taken_down() {
    replace(|pins| {
        let maps = Pinned::all(pins).into_iter().map(|map| map.path);
        maps.filter(|path| !path.ends_with("layout")).collect()
    });
}

#[test]
fn other_things_in_the_place_of_directories_and_links_are_told_and_taken_down() {
    replace(|pins| {
        let mut all = links(pins);
        let directories = fs::read_dir(pins).unwrap().map(|entry| entry.unwrap().path());
        all.extend(directories.filter(|path| path.is_dir()));
        all
    });
}

//! What the program may cost the verifier and the memory: so that a later change does not quietly undo what an earlier
//! one has won. These are bounds, not figures; how long a packet takes is what `cargo xtask bench` shows.

use std::{collections::BTreeSet, fs, path::Path};

use filter_common::DropLevel;
use filter_user::{
    instance::Instance,
    program::{Entry, Program, Specialisation},
    settings::Settings,
};
use tests::lab::Lab;

use crate::config::{Config, FULL, STANDARD};

/// Instructions that the verifier follows, for everything switched on.
const VERIFIED: u32 = 55_000;
/// The same for what `synwall up` loads.
const VERIFIED_STANDARD: u32 = 37_000;

const PATH: &str = "/sys/fs/bpf/synwall";
const INTERFACE: &str = "interface_budget";

fn verified(instance: &Instance, settings: &Settings, everything: bool, entry: Entry) -> u32 {
    instance.pins.fresh_directory(INTERFACE).expect("a directory");
    let specialisation = Specialisation {
        settings: settings.clone(),
        deny: everything,
        retire: everything,
        confirm: everything,
    };
    let mut program = Program::load(&instance.pins, INTERFACE, &specialisation, entry).expect("the program");
    let info = program
        .xdp()
        .expect("the program")
        .info()
        .expect("what the kernel says of it");
    info.verified_instruction_count()
        .expect("a count, since Linux 5.16")
}

#[test]
fn the_verifier_follows_a_bounded_number_of_instructions() {
    let _lab = Lab::new();
    let everything = Config {
        drop: DropLevel::Unestablished,
        ..FULL
    };
    let (instance, _) = Instance::open_or_create(Path::new(PATH), &STANDARD.settings()).expect("a filter");
    for entry in [Entry::Frags, Entry::OneBuffer] {
        for (config, all, most) in [(everything, true, VERIFIED), (STANDARD, false, VERIFIED_STANDARD)] {
            let count = verified(&instance, &config.settings(), all, entry);
            println!("{entry:?}, {}: {count}", config.name);
            assert!(count <= most, "{entry:?}, {}: {count} instructions", config.name);
        }
    }
}

#[test]
fn the_common_way_is_one_function() {
    // What a packet needs that nothing is unusual about, and that no prefix matches, is in the entries themselves: a call
    // costs as much as reading all headers. The compiler makes functions where nobody asked for them.
    let expected = [
        "synwall_frags",
        "synwall",
        "any",
        "whole",
        "walk_whole",
        "walk_scattered",
        "decide_source_v4",
        "decide_source_v6",
        "decide_retired_v4",
        "decide_retired_v6",
    ];
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/synwall-ebpf.o");
    let path = std::env::var_os("SYNWALL_EBPF_OBJECT").map_or(built, Into::into);
    let object = fs::read(path).expect("the object file, from `cargo xtask build`");
    let object = aya_obj::Object::parse(&object).expect("an object file");
    let functions: BTreeSet<&str> = object
        .functions
        .values()
        .map(|function| function.name.as_str())
        // Of the compiler's own, which nothing here calls.
        .filter(|name| !name.starts_with("mem") && *name != "bcmp")
        .collect();
    assert_eq!(functions, BTreeSet::from(expected));
}

//! What the program may cost the verifier and the memory: so that a later change does not quietly undo what an earlier
//! one has won. These are bounds, not figures; how long a packet takes is what `cargo xtask bench` shows.

use std::path::Path;

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

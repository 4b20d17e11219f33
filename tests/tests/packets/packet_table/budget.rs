//! The functions of the compiled program, so that a later change does not silently add calls to the common path.
//! `tests/tests/alone/verifier.rs` limits the instructions that the verifier follows. `cargo xtask bench` measures
//! the time for a packet.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_common_way_is_one_function() {
    // The path of a plain packet that matches no prefix is in the entries themselves, because a call costs as much as
    // reading all headers. The compiler sometimes makes functions that the source does not have.
    let expected = [
        "synwall_frags",
        "synwall",
        "filter_any_frame",
        "filter_one_buffer",
        "walk_one_buffer",
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
        // Functions of the compiler, which this program does not call.
        .filter(|name| !name.starts_with("mem") && *name != "bcmp")
        .collect();
    assert_eq!(functions, BTreeSet::from(expected));
}

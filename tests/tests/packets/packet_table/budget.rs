//! What the program is made of, so that a later change does not quietly undo what an earlier one has won. How much of it
//! the verifier follows is in `tests/tests/alone/verifier.rs`; how long a packet takes is what `cargo xtask bench` shows.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_common_way_is_one_function() {
    // What a packet needs that nothing is unusual about, and that no prefix matches, is in the entries themselves: a call
    // costs as much as reading all headers. The compiler makes functions where nobody asked for them.
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
        // Of the compiler's own, which nothing here calls.
        .filter(|name| !name.starts_with("mem") && *name != "bcmp")
        .collect();
    assert_eq!(functions, BTreeSet::from(expected));
}

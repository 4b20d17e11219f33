//! One of the inputs of `tests::inputs`, the one that `SYNWALL_INPUT` names, driven by libFuzzer. It is built and run by
//! `cargo xtask fuzz-inputs`.

#![no_main]

use std::sync::LazyLock;

static INPUT: LazyLock<String> = LazyLock::new(|| std::env::var("SYNWALL_INPUT").unwrap_or_default());

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tests::inputs::check(&INPUT, bytes));

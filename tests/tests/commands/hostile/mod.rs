//! Commands that meet what nobody meant for them: damaged and foreign pinned maps, and arguments made at random. They
//! answer or say what is wrong, never panic, write nothing to a terminal that it would obey, and `down --all` always
//! works. Needs root and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod arguments;
mod damaged_maps;
mod foreign_pins;
mod map;
mod victim;

//! Commands that meet damaged or foreign pinned maps, and random arguments. They must answer or report an error. They
//! must never panic, and never write control sequences to a terminal. `down --all` must always work. Needs root and a
//! built `synwall` (`SYNWALL_BIN`).

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

//! What the running kernel supports: the XDP mode of each network card, and the memory of lists. `cargo xtask test
//! --kernels` runs these tests in other kernels with emulated cards, and writes the results into `docs/kernels.md`.
//! Needs root, nginx and a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod cards;
mod memory;

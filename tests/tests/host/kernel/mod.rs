//! What the running kernel gives: which mode on which network card, and what lists take. `cargo xtask test --kernels` runs
//! it in other kernels, with cards to try, and puts what it says into `docs/kernels.md`. Needs root, nginx and a built
//! `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod cards;
mod memory;

//! Long attacks on the command line's side of a filter: commands that are killed at every instant, system calls that
//! fail, crowds of commands. A few seconds of each by default; `cargo xtask test --thorough` runs them in full length.
//! Needs root, nginx, strace and a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod crowd;
mod faults;
mod killed;
mod model;
mod refused;

//! Long stress tests of the command line: commands killed at any time, failing system calls, many parallel commands.
//! By default each takes a few seconds; `cargo xtask test --thorough` runs them in full. Needs root, nginx, strace
//! and a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

mod crowd;
mod faults;
mod killed;
mod model;
mod refused;

//! The command line against the real kernel. These tests need a built `synwall` (`SYNWALL_BIN`) and no web server.
//! `cargo xtask test --quick` runs these and `packets`.

mod command_line;
mod hostile;

//! The command line at a console, against the real kernel: tests that take a built `synwall` (`SYNWALL_BIN`) and no web
//! server. `cargo xtask test --quick` runs these, and `packets`.

mod command_line;
mod hostile;

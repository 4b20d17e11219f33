//! The configuration file: what is read, what is refused and in which words, the commands `config` and `--save`. Needs
//! root, nginx and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod check;
mod mistakes;
mod reference;
mod save;
mod schema;

use std::{env, path::Path, process::Command};

/// The program under test, where no host is needed.
fn synwall() -> Command {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/synwall");
    let mut command = Command::new(env::var_os("SYNWALL_BIN").unwrap_or(built.into()));
    command.env_remove("SYNWALL_CONFIG").env_remove("SYNWALL_PIN_DIR");
    command
}

//! The configuration file: what is accepted, what is refused and with which message; the commands `config` and
//! `--save`. Needs root, nginx and a built `synwall` (`SYNWALL_BIN`).

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

use std::process::Command;

/// The program under test, for tests that need no host.
fn synwall() -> Command {
    let mut command = Command::new(tests::lab::synwall_program());
    command.env_remove("SYNWALL_CONFIG").env_remove("SYNWALL_PIN_DIR");
    command
}

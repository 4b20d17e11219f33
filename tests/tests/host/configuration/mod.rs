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

use std::process::Command;

/// The program under test, where no host is needed.
fn synwall() -> Command {
    let mut command = Command::new(tests::lab::synwall_program());
    command.env_remove("SYNWALL_CONFIG").env_remove("SYNWALL_PIN_DIR");
    command
}

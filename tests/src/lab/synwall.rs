//! The program under test, on a host of the laboratory. Its pins go to their default place, on the private bpffs.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Host;

pub(super) fn command<A: AsRef<OsStr>>(host: &Host, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = host.command(program());
    command.args(arguments).env_remove("SYNWALL_PIN_DIR");
    command
}

/// `SYNWALL_BIN`, or the binary that `cargo xtask build` left in the workspace.
pub(crate) fn program() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/synwall");
    env::var_os("SYNWALL_BIN").map_or_else(built, PathBuf::from)
}

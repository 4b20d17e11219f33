//! The program under test, on a host of the laboratory. Its pins go to their default place, on the private bpffs.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Host, must};

pub(super) fn command<A: AsRef<OsStr>>(host: &Host, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = host.command(program());
    command.args(arguments).env_remove("SYNWALL_PIN_DIR");
    command
}

/// `SYNWALL_BIN`, else what Cargo built beside the running program.
///
/// # Panics
/// Where there is neither.
#[must_use]
pub fn program() -> PathBuf {
    let built = || {
        let running = must("find the running program", env::current_exe());
        let beside = |directory: &Path| Some(directory.join("synwall")).filter(|synwall| synwall.is_file());
        // Tests are in a directory below.
        let found = running.ancestors().skip(1).take(2).find_map(beside);
        must(
            "find synwall",
            found.ok_or("`cargo build -p filter-user` builds it"),
        )
    };
    env::var_os("SYNWALL_BIN").map_or_else(built, PathBuf::from)
}

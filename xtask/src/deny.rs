//! `cargo xtask deny`: what is known against the crates that synwall is built from. `deny.toml` says what is allowed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{exec, place, setup};

/// Licences, duplicates and sources, and then the advisories, as far as their database can be had.
pub fn run() -> Result<()> {
    let cargo_deny = setup::cargo_deny()?;
    let check = |options: &[&str], what: &[&str]| {
        exec::run(
            command(&cargo_deny)
                .args(options)
                .args(["check", "--hide-inclusion-graph"])
                .args(what),
        )
    };
    check(&[], &["licenses", "bans", "sources"])?;
    // Asked for apart from the check: a network that is away must not look like a crate with a hole, nor the reverse.
    let fetched = exec::run(command(&cargo_deny).args(["fetch", "db"]));
    let Some(date) = date_of_advisories() else {
        eprintln!(
            "warning: advisories were NOT checked: their database could not be fetched and there is no earlier copy"
        );
        return Ok(());
    };
    check(&["--offline"], &["advisories"])?;
    if fetched.is_err() {
        eprintln!(
            "warning: advisories were checked against an earlier copy of their database, as of {date}: a new one could not be fetched"
        );
    } else {
        eprintln!("advisories: none, as of {date}");
    }
    Ok(())
}

fn command(cargo_deny: &Path) -> Command {
    let mut command = Command::new(cargo_deny);
    command.current_dir(place::root());
    command
}

/// When the copy of the database changed last, if there is a whole one.
fn date_of_advisories() -> Option<String> {
    let database = database()?;
    let mut git = Command::new("git");
    git.arg("-C").arg(database);
    exec::ask(git.args(["log", "-1", "--format=%cs"])).ok()
}

/// The copy lies in a directory of its own below the one that `deny.toml` names.
fn database() -> Option<PathBuf> {
    let mut copies = place::tools().join("advisory-dbs").read_dir().ok()?.flatten();
    copies
        .find(|copy| copy.path().join(".git").is_dir())
        .map(|copy| copy.path())
}

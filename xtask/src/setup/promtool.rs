//! promtool, which tells whether metrics and alerts are as Prometheus wants them: the user's, or Debian's, unpacked under
//! `target/tools/prometheus`. Installing the package would start a server on this machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use super::apt;
use crate::{exec, place};

/// Finds or unpacks promtool.
pub fn find() -> Result<PathBuf> {
    if let Some(installed) = exec::find("promtool") {
        return Ok(installed);
    }
    let dir = place::tools().join("prometheus");
    let promtool = dir.join("root/usr/bin/promtool");
    let runs = || exec::ask(Command::new(&promtool).arg("--version")).is_ok();
    if runs() {
        return Ok(promtool);
    }
    eprintln!(
        "The tests check metrics and alerts with promtool. Unpacking Debian's prometheus into {}; it is not installed, \
         so that no server is started on this machine.",
        dir.display()
    );
    let packages = ["prometheus"];
    apt::check_can_install(&packages)?;
    apt::unpack(&dir, |debs| apt::download(debs, &packages), |_| Ok(()))?;
    ensure!(
        runs(),
        "{} does not run; a promtool in PATH would be taken instead",
        promtool.display()
    );
    Ok(promtool)
}

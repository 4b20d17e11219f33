//! Prometheus's promtool for the tests: the user's, or Debian's, unpacked under `target/tools/prometheus`. Installing the
//! package would start a server on this machine.

use std::path::{Path, PathBuf};
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
    if runs(&promtool) {
        return Ok(promtool);
    }
    eprintln!(
        "The tests have promtool read our metrics and alerts. Unpacking Debian's prometheus into {} (20 MB to \
         download, 95 MB on disk); it is not installed, so that no server is started on this machine.",
        dir.display()
    );
    let packages = ["prometheus"];
    apt::check_can_install(&packages)?;
    apt::unpack(&dir, |debs| apt::download(debs, &packages), |_| Ok(()))?;
    ensure!(
        runs(&promtool),
        "{} does not run: `ldd` and `promtool --version` say why. A promtool in PATH would be taken instead",
        promtool.display()
    );
    Ok(promtool)
}

fn runs(promtool: &Path) -> bool {
    exec::ask(Command::new(promtool).arg("--version")).is_ok()
}

//! A web server for the demo and the tests: the user's, or Debian's, unpacked under `target/tools/nginx`.
//! Installing the package would start a server on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::apt;
use crate::{exec, place};

/// What Debian 12's nginx links to, besides libc.
const LIBRARIES: [(&str, &str); 5] = [
    ("libcrypt.so", "libcrypt1"),
    ("libpcre2-8.so", "libpcre2-8-0"),
    ("libssl.so", "libssl3"),
    ("libcrypto.so", "libssl3"),
    ("libz.so", "zlib1g"),
];

/// Finds or unpacks nginx.
pub fn find() -> Result<PathBuf> {
    if let Some(installed) = exec::find("nginx") {
        return Ok(installed);
    }
    let dir = place::tools().join("nginx");
    let nginx = dir.join("root/usr/sbin/nginx");
    if runs(&nginx) {
        return Ok(nginx);
    }
    eprintln!(
        "The tests and the demo need a web server. Unpacking Debian's nginx into {}; it is not installed, \
         so that no server is started on this machine.",
        dir.display()
    );
    let packages = ["nginx", "nginx-common"];
    apt::check_can_install(&packages)?;
    apt::unpack(&dir, |debs| apt::download(debs, &packages), |_| Ok(()))?;
    install_libraries(&nginx)?;
    ensure!(
        runs(&nginx),
        "{} does not run: `ldd` and `nginx -v` say why. An nginx in PATH would be taken instead",
        nginx.display()
    );
    Ok(nginx)
}

fn runs(nginx: &Path) -> bool {
    exec::ask(Command::new(nginx).arg("-v")).is_ok()
}

fn install_libraries(nginx: &Path) -> Result<()> {
    let ldd = exec::ask(Command::new("ldd").arg(nginx))?;
    let missing = |library: &str| {
        ldd.lines()
            .any(|line| line.contains("not found") && line.contains(library))
    };
    let mut packages: Vec<&str> = LIBRARIES
        .into_iter()
        .filter(|(library, _)| missing(library))
        .map(|(_, package)| package)
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    eprintln!("nginx needs these libraries.");
    apt::install(&packages).context("nginx cannot run without its libraries")
}

//! The programs that the demo and the tests call, and the Debian packages that bring them. A C compiler is
//! not among them: without one xtask would not have been linked.

use anyhow::{Context as _, Result};

use super::apt;
use crate::exec;

/// Program, package, what it is for.
const PROGRAMS: [(&str, &str, &str); 10] = [
    ("ip", "iproute2", "network namespaces and links"),
    ("setpriv", "util-linux", "running without privileges"),
    (
        "setarch",
        "util-linux",
        "running under another kernel version's name",
    ),
    ("pgrep", "procps", "seeing that no process is left"),
    ("curl", "curl", "visitors"),
    ("openssl", "openssl", "certificates"),
    ("nmap", "nmap", "scanners"),
    (
        "iptables",
        "iptables",
        "the scripts that verdicts are compared with",
    ),
    ("ipset", "ipset", "the sets of one of them"),
    ("bpftool", "bpftool", "the kernel's view of programs and maps"),
];

/// Installs what is missing.
pub fn install_missing() -> Result<()> {
    let mut packages = Vec::new();
    for (program, package, purpose) in PROGRAMS {
        if exec::find(program).is_none() {
            eprintln!("The tests and the demo need `{program}` (Debian: {package}) for {purpose}.");
            if !packages.contains(&package) {
                packages.push(package);
            }
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    apt::install(&packages).context("not every program for the tests and the demo is here")
}

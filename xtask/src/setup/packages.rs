//! The programs that the demo, the tests and the bench call, and the Debian packages that bring them. A C compiler
//! is not among them: without one xtask would not have been linked.

use anyhow::{Context as _, Result};

use super::apt;
use crate::exec;

/// Program, package, what it is for.
type Program = (&'static str, &'static str, &'static str);

/// What the demo calls, and the laboratory of all tests.
const DEMO: &[Program] = &[
    ("ip", "iproute2", "network namespaces and links"),
    ("curl", "curl", "visitors"),
    ("openssl", "openssl", "certificates"),
    ("nmap", "nmap", "scanners"),
];

/// The same for the quick tests, beyond that.
const QUICK: &[Program] = &[
    ("setpriv", "util-linux", "running without privileges"),
    (
        "setarch",
        "util-linux",
        "running under another kernel version's name",
    ),
    (
        "iptables",
        "iptables",
        "the scripts that verdicts are compared with",
    ),
    ("ipset", "ipset", "the sets of one of them"),
];

/// The same for all other tests.
const TESTS: &[Program] = &[
    ("strace", "strace", "system calls that fail"),
    ("hping3", "hping3", "scanners that make odd packets"),
    ("bpftool", "bpftool", "the kernel's view of programs and maps"),
    ("lintian", "lintian", "what Debian asks of packages"),
    // Where it does not run already, installing it starts nothing.
    ("systemd-analyze", "systemd", "what systemd says of the unit"),
    ("mandoc", "mandoc", "manual pages"),
    ("zsh", "zsh", "its completions"),
    ("fish", "fish", "its completions"),
];

/// The same for making packages.
const PACKAGERS: &[Program] = &[
    (
        "dpkg-shlibdeps",
        "dpkg-dev",
        "the libraries that the binary needs",
    ),
    ("strip", "binutils", "a small binary"),
    ("lowdown", "lowdown", "the manual page of the configuration file"),
];

/// The same for the bench. None of these packages starts anything: Debian leaves nftables' service switched off.
const PEERS: &[Program] = &[
    ("xdp-filter", "xdp-tools", "comparison"),
    ("nft", "nftables", "comparison"),
    ("iptables-restore", "iptables", "comparison"),
    ("ipset", "ipset", "comparison"),
    ("wrk", "wrk", "honest traffic"),
];

/// The same for tests in other kernels.
const EMULATION: &[Program] = &[
    ("qemu-system-x86_64", "qemu-system-x86", "emulated machines"),
    ("busybox", "busybox-static", "what an emulated machine boots into"),
    ("cpio", "cpio", "its file system"),
    ("depmod", "kmod", "its kernel's modules"),
    ("xz", "xz-utils", "unpacking them"),
];

/// The same for fuzzing what user space reads.
const COMPILERS: &[Program] = &[("c++", "g++", "building libFuzzer")];

/// Installs what the demo misses.
pub fn install_missing_for_the_demo() -> Result<()> {
    install("The demo", &[DEMO])
}

/// Installs what the quick tests miss.
pub fn install_missing_for_quick_tests() -> Result<()> {
    install("The quick tests", &[DEMO, QUICK])
}

/// Installs what the tests miss.
pub fn install_missing() -> Result<()> {
    install("The tests", &[DEMO, QUICK, TESTS])
}

/// Installs what the bench misses beyond that.
pub fn install_missing_peers() -> Result<()> {
    install("Benchmarks", &[PEERS])
}

/// Installs what making packages misses.
pub fn install_missing_packagers() -> Result<()> {
    install("Packages", &[PACKAGERS])
}

/// Installs what tests in other kernels miss beyond that.
pub fn install_missing_emulation() -> Result<()> {
    install("Tests in other kernels", &[EMULATION])
}

/// Installs what fuzzing user space misses.
pub fn install_missing_compilers() -> Result<()> {
    install("Fuzzing", &[COMPILERS])
}

fn install(who: &str, programs: &[&[Program]]) -> Result<()> {
    let mut packages = Vec::new();
    for &(program, package, purpose) in programs.iter().copied().flatten() {
        if exec::find(program).is_none() {
            eprintln!("{who} call `{program}` (Debian: {package}) for {purpose}.");
            if !packages.contains(&package) {
                packages.push(package);
            }
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    apt::install(&packages).with_context(|| format!("{who} cannot run without these programs"))
}

//! Debian's package manager: installing packages, or unpacking them where they touch nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::exec;

/// Seconds to wait for another apt: a machine just started upgrades itself for minutes.
const PATIENCE: u64 = 300;

/// An error that names the packages, unless apt can be used here.
pub fn check_can_install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    ensure!(
        exec::find("apt-get").is_some(),
        "these Debian packages, or their counterparts on this system, have to be installed by hand: {names}"
    );
    ensure!(
        exec::is_root(),
        "only root can use apt; as root: apt-get update && apt-get install -y --no-install-recommends {names}"
    );
    Ok(())
}

/// The version that apt would install, by the lists as they are.
pub fn candidate(package: &str) -> Option<String> {
    let policy = exec::ask(
        Command::new("apt-cache")
            .args(["policy", package])
            .env("LC_ALL", "C"),
    )
    .ok()?;
    let version = policy
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_owned())
}

/// Fetches the package lists.
pub fn update(why: &str) -> Result<()> {
    eprintln!("Fetching apt's package lists, because {why}.");
    // DPkg::Lock::Timeout does not cover the lists' own lock.
    for _ in 0..PATIENCE / 5 {
        eprintln!("$ apt-get update");
        let output = apt_get()
            .arg("update")
            .stdin(Stdio::null())
            .output()
            .context("`apt-get update` could not be started")?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        if !errors.contains("Could not get lock") {
            bail!("`apt-get update` failed: {}", errors.trim());
        }
        eprintln!("another apt holds the lists: waiting");
        sleep(Duration::from_secs(5));
    }
    bail!("another apt has held the package lists for {PATIENCE} s: `ps -C apt-get` shows it")
}

/// Installs packages.
pub fn install(packages: &[&str]) -> Result<()> {
    check_can_install(packages)?;
    with_lists(packages, || {
        exec::run(
            apt_get()
                .args(["install", "-y", "--no-install-recommends"])
                .args(packages),
        )
    })
}

/// Downloads packages (`name=version`) and what they need that is not installed.
pub fn download_with_dependencies(debs: &Path, packages: &[String]) -> Result<()> {
    let names: Vec<&str> = packages
        .iter()
        .filter_map(|package| package.split('=').next())
        .collect();
    fs::create_dir_all(debs.join("partial"))?;
    with_lists(&names, || {
        exec::run(
            apt_get()
                .args(["-y", "--no-install-recommends", "--download-only", "-o"])
                .arg(format!("Dir::Cache::archives={}", debs.display()))
                // `_apt` may not write below a home directory.
                .args(["-o", "APT::Sandbox::User=root", "install"])
                .args(packages),
        )
    })
}

/// Downloads packages alone.
pub fn download(debs: &Path, packages: &[&str]) -> Result<()> {
    with_lists(packages, || {
        exec::run(
            apt_get()
                .args(["-o", "APT::Sandbox::User=root", "download"])
                .args(packages)
                .current_dir(debs),
        )
    })
}

/// Lets `download` fill a directory, unpacks that into `root/` beside it and names the whole `into`, at the
/// very end: what is there under that name is complete, whenever we were interrupted.
pub fn unpack(
    into: &Path,
    download: impl FnOnce(&Path) -> Result<()>,
    finish: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let partial = into.with_extension("partial");
    for old in [&partial, into] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    let (debs, root) = (partial.join("debs"), partial.join("root"));
    fs::create_dir_all(&debs).with_context(|| format!("cannot make {}", debs.display()))?;
    download(&debs)?;
    for deb in fs::read_dir(&debs)?.flatten().map(|entry| entry.path()) {
        if deb.extension().is_some_and(|extension| extension == "deb") {
            exec::run(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&root))?;
        }
    }
    fs::remove_dir_all(&debs)?;
    finish(&partial).with_context(|| format!("what was unpacked into {} is no use", partial.display()))?;
    fs::rename(&partial, into).with_context(|| format!("cannot rename {}", partial.display()))
}

/// Lists are missing on a fresh machine, and name files that are gone from the mirror on an old one.
fn with_lists(packages: &[&str], action: impl Fn() -> Result<()>) -> Result<()> {
    if packages.iter().any(|package| candidate(package).is_none()) {
        update("they do not know all of these packages")?;
        return action();
    }
    action().or_else(|error| {
        update(&format!("they may be old: {error:#}"))?;
        action()
    })
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", &format!("DPkg::Lock::Timeout={PATIENCE}")]);
    apt.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    apt
}

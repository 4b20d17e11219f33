//! `cargo xtask dist`: a Debian package and a tarball in `target/dist`. The same commit gives the same bytes in the same
//! directory with the same compilers; what is in them is listed in docs/install.md.

mod date;
mod files;
mod licences;
mod tarball;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::place::Profile;
use crate::{ebpf, exec, place, setup, user};
use date::SourceDate;

/// The version of everything in this workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// For `sha256sum --check SHA256SUMS` beside the packages.
const SUMS: &str = "SHA256SUMS";

/// What was made.
struct Packages {
    deb: PathBuf,
    tarball: PathBuf,
}

/// Builds everything, packs it twice, which has to give the same bytes, and says where it is: whoever makes a package again
/// can check it.
pub fn run() -> Result<()> {
    ebpf::build(&setup::kernel_tools()?)?;
    let synwall = user::build(Profile::Dist)?;
    let directory = place::target().join("dist");
    let pack = || {
        let packages = pack(&synwall, &directory)?;
        let sums = fs::read_to_string(directory.join(SUMS)).context("cannot read the sums")?;
        Ok::<_, anyhow::Error>((packages, sums))
    };
    let ((_, first), (packages, second)) = (pack()?, pack()?);
    ensure!(
        first == second,
        "two runs made different packages:\n{first}{second}"
    );
    for path in [&packages.deb, &packages.tarball] {
        eprintln!("made: {}", path.display());
    }
    Ok(())
}

/// Packs a binary that was built into packages in this directory.
fn pack(synwall: &Path, directory: &Path) -> Result<Packages> {
    let tools = setup::packaging()?;
    let date = SourceDate::find()?;
    // Where `[package.metadata.deb]` of filter-user looks for it.
    let files = place::target().join("staging");
    for old in [directory, &files] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        fs::create_dir_all(old).with_context(|| format!("cannot make {}", old.display()))?;
    }
    files::collect(synwall, &files, &date)?;
    let deb = deb(&tools.cargo_deb, directory, &date)?;
    let tarball = tarball::make(&files, directory, &date)?;
    sums(directory, &[&deb, &tarball])?;
    Ok(Packages { deb, tarball })
}

/// The same packages, but for a binary that was built for the tests: what `cargo xtask dist` waits for is its compiler.
pub fn pack_for_tests(synwall: &Path) -> Result<PathBuf> {
    let directory = place::target().join("dist-for-tests");
    pack(synwall, &directory)?;
    Ok(directory)
}

/// `[package.metadata.deb]` of filter-user says what goes where.
fn deb(cargo_deb: &Path, directory: &Path, date: &SourceDate) -> Result<PathBuf> {
    exec::run(
        Command::new(cargo_deb)
            // Built already, and the binary's copy has no symbols any more.
            .args([
                "-p",
                "filter-user",
                "--no-build",
                "--no-strip",
                "--quiet",
                "--output",
            ])
            .arg(directory)
            // The description's path is taken from here, all others from the manifest's directory.
            .current_dir(place::root().join("filter-user"))
            .env("SOURCE_DATE_EPOCH", date.epoch()),
    )?;
    let mut made = fs::read_dir(directory)?.flatten().map(|entry| entry.path());
    made.find(|path| path.extension() == Some(OsStr::new("deb")))
        .with_context(|| format!("cargo-deb made no package in {}", directory.display()))
}

fn sums(directory: &Path, packages: &[&Path]) -> Result<()> {
    let names: Vec<&OsStr> = packages.iter().filter_map(|path| path.file_name()).collect();
    ensure!(names.len() == packages.len(), "a package without a name");
    let sums = exec::ask(
        Command::new("sha256sum")
            .arg("--")
            .args(names)
            .current_dir(directory),
    )?;
    fs::write(directory.join(SUMS), sums + "\n").context("cannot write the sums")
}

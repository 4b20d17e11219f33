//! A compiler that can build the kernel program: new enough, with a `core` for BPF or the sources of one, and with an LLVM
//! that bpf-linker understands.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::{exec, place};

/// bpf-linker 0.10 calls LLVM through the interface of this version. With LLVM 23 an empty program linked and
/// loaded, but nobody promises it.
const LLVM: u32 = 22;

/// The library that the kernel program is built with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Core {
    /// Built already, for BPF.
    ReadyMade,
    /// Built along with the program, which takes some 20 seconds the first time.
    Sources,
}

/// A compiler that was seen to fit.
pub struct Compiler {
    pub rustc: PathBuf,
    /// The Cargo that knows how these sources are laid out.
    pub cargo: PathBuf,
    pub sysroot: PathBuf,
    pub release: String,
    pub core: Core,
    /// Where bpf-linker finds the LLVM that the compiler writes for, and where that finds what it needs.
    pub libraries: Vec<PathBuf>,
}

impl Compiler {
    /// Looks at a compiler. The error says in which way it does not fit.
    pub fn inspect(rustc: &Path) -> Result<Self> {
        let (release, llvm) = version(rustc)?;
        let sysroot = PathBuf::from(exec::ask(Command::new(rustc).args(["--print", "sysroot"]))?);
        let core = if has_ready_made_core(&sysroot) {
            Core::ReadyMade
        } else {
            check_sources(&sysroot, &release)?;
            Core::Sources
        };
        let mut libraries = library_dirs(&sysroot);
        let llvm = libraries
            .iter()
            .find_map(|dir| find_llvm(dir, &llvm))
            .with_context(|| format!("it has no shared libLLVM {llvm} under {}", sysroot.display()))?;
        libraries.insert(0, link_alone(&llvm)?);
        let own_cargo = sysroot.join("bin/cargo");
        let cargo = if own_cargo.is_file() {
            own_cargo
        } else {
            place::cargo()
        };
        Ok(Self {
            rustc: rustc.to_owned(),
            cargo,
            sysroot,
            release,
            core,
            libraries,
        })
    }
}

/// The release of a compiler that fits but for its sources, and its LLVM's version.
pub fn version(rustc: &Path) -> Result<(String, String)> {
    let text = exec::ask(Command::new(rustc).arg("-vV"))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim)
            .map(str::to_owned)
            .ok_or_else(|| anyhow!("`rustc -vV` shows no `{name}`"))
    };
    let (release, llvm) = (field("release:")?, field("LLVM version:")?);
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    ensure!(
        at_least(&release, wanted),
        "it is Rust {release}, and the workspace needs {wanted} or later"
    );
    ensure!(
        numbers(&llvm).0 == LLVM,
        "Rust {release} writes LLVM {llvm} bitcode, and bpf-linker is for LLVM {LLVM}"
    );
    Ok((release, llvm))
}

/// Whether `version` is not older than `wanted`, by its first two numbers.
pub fn at_least(version: &str, wanted: &str) -> bool {
    numbers(version) >= numbers(wanted)
}

fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Whether a sysroot has what the kernel program is built with, in one way or the other.
pub fn has_core(sysroot: &Path) -> bool {
    has_ready_made_core(sysroot) || has_sources(sysroot)
}

fn has_ready_made_core(sysroot: &Path) -> bool {
    let libraries = sysroot.join("lib/rustlib/bpfel-unknown-none/lib").read_dir();
    libraries.is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-")))
    })
}

fn has_sources(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
}

/// `core` only compiles with the compiler that it was released with.
fn check_sources(sysroot: &Path, release: &str) -> Result<()> {
    ensure!(
        has_sources(sysroot),
        "it comes with neither a `core` for BPF nor the sources of one"
    );
    // rustup keeps the two together. Debian has them in two packages, the sources under a name that tells.
    let sources = fs::canonicalize(sysroot.join("lib/rustlib/src/rust"))?;
    let name = sources.file_name().unwrap_or_default().to_string_lossy();
    if let Some(version) = name.strip_prefix("rustc-") {
        ensure!(
            version == release,
            "the compiler is {release}, and its sources are {version}"
        );
    }
    Ok(())
}

/// Of rustup's layout, and of Debian's, unpacked or installed.
fn library_dirs(sysroot: &Path) -> Vec<PathBuf> {
    let multiarch = format!("{}-linux-gnu", env::consts::ARCH);
    let dirs = [
        sysroot.join("lib").join(&multiarch),
        sysroot.join("../lib").join(&multiarch),
        sysroot.join("lib"),
        Path::new("/usr/lib").join(&multiarch),
    ];
    let mut found: Vec<PathBuf> = dirs.iter().filter_map(|dir| fs::canonicalize(dir).ok()).collect();
    found.dedup();
    found
}

fn find_llvm(dir: &Path, version: &str) -> Option<PathBuf> {
    let (major, minor) = numbers(version);
    let name = format!("libLLVM.so.{major}.{minor}");
    let mut entries = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    entries.find(|path| {
        path.file_name()
            .is_some_and(|file| file.to_string_lossy().starts_with(&name))
    })
}

/// bpf-linker takes the first libLLVM that it meets in LD_LIBRARY_PATH. The compiler's directory may hold
/// others (Debian's has one for each LLVM that is installed), so it gets one with this one alone.
fn link_alone(llvm: &Path) -> Result<PathBuf> {
    let dir = place::tools().join("llvm");
    let link = dir.join("libLLVM.so");
    if fs::read_link(&link).is_ok_and(|known| known == llvm) {
        return Ok(dir);
    }
    let make = || {
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        symlink(llvm, &link)
    };
    make().with_context(|| format!("cannot make {}", link.display()))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::at_least;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(at_least("1.95.0", "1.95"));
        assert!(at_least("1.101.0-nightly", "1.95"));
        assert!(at_least("1.96.0+dfsg1-1~deb12u2", "1.95"));
        assert!(!at_least("1.85.0+dfsg3-1~deb12u3", "1.95"));
        assert!(!at_least("1.9.0", "1.95"));
    }
}

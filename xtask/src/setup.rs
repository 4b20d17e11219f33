//! The set-up: finds what the other tasks need and installs what is missing, saying what and why first.
//! It looks at the things themselves, never at a note that they were once installed.

mod apt;
mod compiler;
mod crates;
mod debian;
mod fuzzer;
mod kernels;
mod linker;
mod nginx;
mod packages;
mod promtool;
mod rustup;
mod suites;
mod toolchain;

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::thread;

use anyhow::{Context as _, Result, anyhow};

pub use compiler::{Compiler, Core};
pub use kernels::{Kernel, Series};

use crate::place;

/// What it takes to build the kernel program.
pub struct KernelTools {
    pub compiler: Compiler,
    pub linker: PathBuf,
}

/// What it takes to run the demo and the tests.
pub struct Tools {
    pub kernel: KernelTools,
    pub nginx: PathBuf,
}

/// What it takes to make packages.
pub struct PackagingTools {
    pub cargo_deb: PathBuf,
}

/// What it takes to fuzz what user space reads.
pub struct FuzzTools {
    pub kernel: KernelTools,
    pub cargo_fuzz: PathBuf,
}

/// Finds or installs what building needs.
pub fn kernel_tools() -> Result<KernelTools> {
    let _lock = lock()?;
    Ok(find_kernel_tools(|| Ok(()))?.0)
}

/// Finds or installs what building and the demo need.
pub fn demo() -> Result<Tools> {
    let _lock = lock()?;
    let (kernel, nginx) = find_kernel_tools(|| {
        packages::install_missing_for_the_demo()?;
        nginx::find()
    })?;
    Ok(Tools { kernel, nginx })
}

/// Finds or installs what building and the quick tests need.
pub fn quick() -> Result<KernelTools> {
    let _lock = lock()?;
    Ok(find_kernel_tools(packages::install_missing_for_quick_tests)?.0)
}

/// Finds or installs what building, the demo and the tests need.
pub fn everything() -> Result<Tools> {
    let _lock = lock()?;
    let (kernel, nginx) = find_kernel_tools(|| {
        packages::install_missing()?;
        nginx::find()
    })?;
    Ok(Tools { kernel, nginx })
}

/// Finds or unpacks what checks metrics and alerts.
pub fn promtool() -> Result<PathBuf> {
    let _lock = lock()?;
    promtool::find()
}

/// Finds or builds cargo-deny, which looks at the crates that we depend on.
pub fn cargo_deny() -> Result<PathBuf> {
    let _lock = lock()?;
    crates::find(
        "cargo-deny",
        "0.20.2",
        "which checks licences and advisories (about 3 minutes)",
    )
}

/// Finds, builds or installs what making packages needs.
pub fn packaging() -> Result<PackagingTools> {
    let _lock = lock()?;
    packages::install_missing_packagers()?;
    let cargo_deb = crates::find(
        "cargo-deb",
        "3.8.0",
        "which makes Debian packages (about a minute)",
    )?;
    Ok(PackagingTools { cargo_deb })
}

/// Finds or installs what the bench compares synwall with, and measures with.
pub fn peers() -> Result<()> {
    let _lock = lock()?;
    packages::install_missing_peers()
}

/// Finds or unpacks kernels to test in, and installs what runs them.
pub fn kernels(series: &[Series]) -> Result<Vec<Kernel>> {
    let _lock = lock()?;
    packages::install_missing_emulation()?;
    kernels::find(series)
}

/// Finds or installs what fuzzing user space needs.
pub fn fuzzing() -> Result<FuzzTools> {
    let _lock = lock()?;
    let (kernel, ()) = find_kernel_tools(packages::install_missing_compilers)?;
    let cargo_fuzz = fuzzer::find()?;
    Ok(FuzzTools { kernel, cargo_fuzz })
}

/// Does `other` as well. The linker is built meanwhile: that takes processors, and all else mostly the network.
fn find_kernel_tools<T>(other: impl FnOnce() -> Result<T>) -> Result<(KernelTools, T)> {
    thread::scope(|scope| {
        let linker = scope.spawn(linker::find);
        let compiler = toolchain::choose();
        let other = other();
        let linker = linker
            .join()
            .map_err(|_| anyhow!("the thread that found the linker panicked"))?;
        let tools = KernelTools {
            compiler: compiler?,
            linker: linker?,
        };
        Ok((tools, other?))
    })
}

/// Two set-ups at once would unpack into each other's directories.
fn lock() -> Result<File> {
    let path = place::target().join("setup.lock");
    let open = || {
        fs::create_dir_all(place::target())?;
        File::options().create(true).append(true).open(&path)
    };
    let file = open().with_context(|| {
        format!(
            "cannot write {}; if target/ is another user's, run this as them or remove it",
            path.display()
        )
    })?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => eprintln!("another set-up is running here: waiting for it"),
        Err(TryLockError::Error(error)) => return Err(error).context("cannot lock target/setup.lock"),
    }
    file.lock().context("cannot lock target/setup.lock")?;
    Ok(file)
}

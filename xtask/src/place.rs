//! Where things are. Tools, toolchain and kernel object always lie under the workspace's own `target/`, so
//! that removing it undoes the set-up; only user space follows `CARGO_TARGET_DIR`.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The workspace's own `target/`, wherever Cargo was told to build.
pub fn target() -> PathBuf {
    root().join("target")
}

/// What `cargo install` and unpacked packages bring.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// Where libFuzzer is built, and what it finds.
pub fn fuzz() -> PathBuf {
    target().join("fuzz")
}

/// The kernel program, where filter-user's build script looks for it.
pub fn kernel_object() -> PathBuf {
    target().join("synwall-ebpf.o")
}

/// The bench's programs: the flood, and the bound of what any filter can do.
pub fn bench_object() -> PathBuf {
    target().join("synwall-bench-ebpf.o")
}

/// What Cargo builds for user space by one of the profiles in the workspace's manifest.
#[derive(Clone, Copy)]
pub enum Profile {
    /// For every day: demo, tests, lints.
    Dev,
    /// For what is measured, and for a binary to install.
    Release,
    /// For packages.
    Dist,
}

impl Profile {
    /// As `--profile` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "release",
            Self::Dist => "dist",
        }
    }

    /// The `synwall` binary.
    pub fn synwall(self) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(target, |dir| root().join(dir));
        let directory = match self {
            Self::Dev => "debug",
            Self::Release | Self::Dist => self.name(),
        };
        target.join(directory).join("synwall")
    }
}

/// The Cargo that started us: the program itself and not rustup's proxy, which would put its own toolchain's
/// libraries before the ones we choose.
pub fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

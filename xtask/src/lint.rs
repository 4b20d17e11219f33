//! `cargo xtask lint`: the order of the house, formatting, and clippy over the whole workspace, the kernel program included.

use std::process::Command;

use anyhow::Result;

use crate::{exec, house, place};

/// Fails on the first thing that is not as it should be.
pub fn run() -> Result<()> {
    house::check()?;
    exec::run(cargo().args(["fmt", "--all", "--check"]))?;
    exec::run(
        cargo()
            .args([
                "clippy",
                "--release",
                "--workspace",
                "--exclude",
                "filter-ebpf",
                "--all-targets",
            ])
            .args(["--", "-D", "warnings"]),
    )?;
    // Clippy is part of the user-space toolchain and has no `core` for BPF, so it sees the kernel program as
    // one for this machine. A binary without std cannot unwind there; on BPF it never does.
    exec::run(
        cargo()
            .args([
                "clippy",
                "--release",
                "-p",
                "filter-ebpf",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ])
            .env("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    )
}

fn cargo() -> Command {
    let mut cargo = Command::new(place::cargo());
    cargo.current_dir(place::root());
    cargo
}

//! `cargo xtask lint` and `cargo xtask doc`: the order of the house, formatting, clippy and the documentation of the whole workspace, the kernel program
//! included.

use std::process::Command;

use anyhow::Result;

use crate::{ebpf, exec, house, place, setup};

/// All that is built for user space.
const USER_SPACE: [&str; 3] = ["--workspace", "--exclude", "filter-ebpf"];

/// Fails on the first thing that is not as it should be.
pub fn run() -> Result<()> {
    house::check()?;
    exec::run(cargo().args(["fmt", "--all", "--check"]))?;
    ebpf::build(&setup::kernel_tools()?)?;
    exec::run(
        cargo()
            .arg("clippy")
            .args(USER_SPACE)
            .args(["--all-targets", "--", "-D", "warnings"]),
    )?;
    // The library stands without the agent and the command line.
    for features in [[].as_slice(), &["--features", "agent"]] {
        exec::run(
            cargo()
                .args(["clippy", "-p", "filter-user", "--lib", "--no-default-features"])
                .args(features)
                .args(["--", "-D", "warnings"]),
        )?;
    }
    exec::run(for_this_machine(&mut cargo()).args([
        "clippy",
        "-p",
        "filter-ebpf",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// Fails where documentation leads nowhere, or has an example that does not compile. It is for those who work here, so links to private items are as good as others.
pub fn documentation() -> Result<()> {
    let deny = |cargo: &mut Command| {
        exec::run(
            cargo
                .args(["--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"),
        )
    };
    ebpf::build(&setup::kernel_tools()?)?;
    deny(cargo().arg("doc").args(USER_SPACE))?;
    deny(for_this_machine(&mut cargo()).args(["doc", "-p", "filter-ebpf"]))?;
    // Examples in documentation compile.
    exec::run(cargo().args(["test", "--quiet", "--doc", "-p", "filter-user"]))
}

/// Clippy and rustdoc are part of the user-space toolchain and have no `core` for BPF, so they see the kernel program as one for
/// this machine. A binary without std cannot unwind there; on BPF it never does.
fn for_this_machine(cargo: &mut Command) -> &mut Command {
    cargo.env("CARGO_PROFILE_DEV_PANIC", "abort")
}

fn cargo() -> Command {
    let mut cargo = Command::new(place::cargo());
    cargo.current_dir(place::root());
    cargo
}

//! `cargo xtask fuzz`: set-up, build, and the comparison of verdicts with those of two oracles, whose exit code is ours.

use std::process::ExitCode;

use anyhow::Result;

use crate::place::Profile;
use crate::{ebpf, exec, setup, user};

/// Compares; `options` go to the program that does it.
pub fn run(options: &[String]) -> Result<ExitCode> {
    exec::check_root("fuzz")?;
    ebpf::build(&setup::everything()?.kernel)?;
    exec::stand_in(user::program_of_tests("fuzz", Profile::Release).args(options))
}

//! What tests report about the running kernel: what it offers, and which tests it cannot run. `cargo xtask test
//! --kernels` reads these lines.

use std::fmt::Display;
use std::thread;

/// Reports a property of the running kernel. `docs/kernels.md` has a row of this name.
pub fn fact(name: &str, value: impl Display) {
    println!("fact: {name}: {value}");
}

/// Reports that the calling test skips something that the kernel, or this machine, cannot do.
///
/// Call it from the thread on which the test began, because that thread has the name of the test.
pub fn skipped(why: impl Display) {
    let thread = thread::current();
    println!("skipped: {}: {why}", thread.name().unwrap_or("a test"));
}

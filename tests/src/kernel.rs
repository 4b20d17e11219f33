//! What tests say about the kernel under them, in a form that `cargo xtask test --kernels` reads: what it gives, and
//! what of a test it cannot do.

use std::fmt::Display;
use std::thread;

/// Says what the running kernel gives. `docs/kernels.md` has a row of this name.
pub fn fact(name: &str, value: impl Display) {
    println!("fact: {name}: {value}");
}

/// Says that the calling test leaves out what the running kernel, or this machine, cannot do.
///
/// It is to be called from the thread on which the test began, which has its name.
pub fn skipped(why: impl Display) {
    let thread = thread::current();
    println!("skipped: {}: {why}", thread.name().unwrap_or("a test"));
}

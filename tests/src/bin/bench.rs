//! `cargo xtask bench`: measures synwall beside what it replaces.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::bench::main()
}

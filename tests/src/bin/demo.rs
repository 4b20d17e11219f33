//! `cargo xtask demo`: shows on a small private network with real packets what synwall does.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::demo::main()
}

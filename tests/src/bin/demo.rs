//! `cargo xtask demo`: shows on a real network, small and private, what synwall does.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::demo::main()
}

//! `synwall`: the command line.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::command_line::run()
}

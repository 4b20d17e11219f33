//! The command line against the real kernel: its output and its refusals, word by word. A failed command must have
//! changed nothing. Needs root and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod answers;
mod console;
mod foreign_program;
mod help;
mod interfaces;
mod json;
mod list_files;
mod list_files_of_others;
mod lists;
mod locks;
mod options;
mod pin_directory;
mod prefixes;
mod privileges;
mod progress;
mod service_user;
mod strangers;
mod tables;
mod trusting_nobody;

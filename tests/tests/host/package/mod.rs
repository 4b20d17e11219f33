//! The packages of `cargo xtask dist`: their content, the checks of Debian and systemd, installation, removal, and
//! the sandbox of the agent. Needs root and the packages (`SYNWALL_DIST`, else `target/dist`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod agent;
mod booting;
mod completions;
mod contents;
mod debian;
mod installing;
mod machine;
mod made;
mod manual;
mod sandbox;
mod unit;

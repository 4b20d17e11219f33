//! What `cargo xtask dist` makes: what is in it, what Debian and systemd say of it, what happens where it is installed and
//! removed, and what the agent may do under its unit. The packages have the binary of all other tests in them, which is built
//! in less time. Needs root and the packages (`SYNWALL_DIST`, else `target/dist-for-tests`).

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

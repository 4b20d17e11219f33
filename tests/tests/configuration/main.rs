//! The configuration file: what is read, what is refused and in which words, the commands `config` and `--save`. Needs
//! root and a built `synwall` (`SYNWALL_BIN`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod mistakes;

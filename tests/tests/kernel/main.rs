//! What the running kernel gives: which entry it takes and what the verifier makes of it, and which mode on which
//! network card. `cargo xtask test --kernels` runs it in other kernels, with cards to try, and puts what it says into
//! `docs/kernels.md`. Needs root and a built `synwall` (`SYNWALL_BIN`).

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

#[test]
fn hello() {
    tests::kernel::fact("entry", "x");
}

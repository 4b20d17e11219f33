//! Metrics: what the agent serves is what the kernel counted, in a form that Prometheus takes, for whoever behaves and in
//! spite of whoever does not. Needs root, nginx, a built `synwall` (`SYNWALL_BIN`) and promtool (`SYNWALL_PROMTOOL`).

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod clients;
mod documentation;
mod health;
mod numbers;
mod one_reading;
mod page;

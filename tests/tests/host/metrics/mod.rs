//! Metrics: the agent serves the kernel's counters in a form that Prometheus accepts. It also does so while other
//! clients misbehave. Needs root, nginx, a built `synwall` (`SYNWALL_BIN`) and promtool (`SYNWALL_PROMTOOL`).

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

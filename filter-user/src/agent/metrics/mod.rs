//! Metrics for Prometheus and a word for health checks, over HTTP on a loopback address.
//!
//! The kernel's counters are read when a client asks. A request goes [`server`] → [`answer`] → [`pages`], which reads the
//! filter and makes [`text`] of it.

mod agent;
mod answer;
mod family;
mod filter;
mod health;
mod pages;
pub(crate) mod server;
mod text;

//! Metrics for Prometheus and a word for health checks, over HTTP on a loopback address.
//!
//! Counters are read from the kernel when somebody asks. A scrape waits for the filter's lock like any command, copies what it
//! needs, lets go, and only then makes text of it. A request goes [`server`] → [`answer`] → [`reading`].

mod answer;
mod health;
mod reading;
pub mod server;
pub mod text;

//! What Prometheus reads: the kernel's counters and what the agent tells of itself, served on a loopback address.
//!
//! A request goes [`server`] → [`answer`] → [`reading`], which reads the filter ([`snapshot`]) and writes it down
//! ([`text`]). Nothing is counted here: every number is made when somebody asks for it.

mod answer;
mod health;
mod reading;
pub mod server;
pub mod snapshot;
mod text;

pub use server::serve;
pub use snapshot::Snapshot;
pub use text::text;

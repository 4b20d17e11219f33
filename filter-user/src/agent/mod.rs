//! The agent: keeps the kernel at what the configuration says.
//!
//! What may have changed comes in as an [`event`]; what follows from it is worked out and done by one thread ([`keeper`]), so
//! that no two things happen at once. Tasks of a runtime wait for signals, interfaces and feeds, and serve metrics.

pub mod desired;
pub mod due;
pub mod error;
pub mod event;
pub mod feed_lists;
pub mod fetch;
pub mod guarded;
pub mod inputs;
pub mod interfaces;
pub mod journal;
pub mod keeper;
pub mod kernel;
pub mod list_files;
pub mod metrics;
pub mod plan;
pub mod removal;
pub mod report;
pub mod retry;
pub mod run;
pub mod server;
pub mod service;
pub mod watch;

//! The agent: keeps the filter at the desired state that the configuration describes.
//!
//! Every change arrives as an [`event`], and one thread handles all events ([`controller`]), so no two changes happen at once.
//! It reads the [`inputs`], merges them into the [`desired`] lists, and has the [`reconciler`] apply a [`plan`]. The [`state`]
//! says when to apply, and when to leave the filter alone. The tasks of a runtime wait for signals, interfaces and feeds, and
//! serve metrics.

pub mod apply;
pub mod apply_log;
pub mod backoff;
pub mod controller;
pub mod desired;
pub mod error;
pub mod event;
pub mod feed_lists;
pub mod fetch;
pub mod file_watcher;
pub mod inputs;
pub mod interfaces;
pub mod kernel;
pub mod list_files;
pub mod metrics;
pub mod metrics_server;
pub mod observed;
pub mod pending;
pub mod plan;
pub mod protection;
pub mod publisher;
pub mod reconciler;
pub mod removal;
pub mod report;
pub mod run;
pub mod service;
pub mod state;

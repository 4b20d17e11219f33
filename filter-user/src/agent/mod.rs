//! The agent: keeps the filter at the desired state that the configuration describes.
//!
//! Every change arrives as an [`event`], and one thread handles all events ([`controller`]), so no two changes happen at once.
//! It reads the [`inputs`], merges them into the [`desired`] lists, and has the [`reconciler`] apply a [`plan`]. The [`state`]
//! says when to apply, and when to leave the filter alone. The tasks of a runtime wait for signals, interfaces and feeds, and
//! serve metrics.

pub(crate) mod apply;
pub(crate) mod apply_log;
pub(crate) mod backoff;
pub mod controller;
pub(crate) mod desired;
pub mod error;
pub(crate) mod event;
pub(crate) mod feed_lists;
pub(crate) mod fetch;
pub(crate) mod file_watcher;
pub(crate) mod inputs;
pub mod interfaces;
pub(crate) mod kernel;
pub(crate) mod list_files;
pub(crate) mod metrics;
pub(crate) mod metrics_server;
pub(crate) mod observed;
pub(crate) mod pending;
pub(crate) mod plan;
pub(crate) mod protection;
pub(crate) mod publisher;
pub(crate) mod reconciler;
pub(crate) mod removal;
pub(crate) mod report;
pub mod run;
pub(crate) mod service;
pub(crate) mod state;

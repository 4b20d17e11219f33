//! A filter as a whole: its program, its interfaces, its changes.

pub mod attach;
pub mod attachment;
pub mod change;
pub mod error;
pub mod instance;
pub mod interfaces;
pub mod program;
pub mod settings;
pub mod totals;

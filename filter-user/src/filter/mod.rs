//! A filter as a whole: its program, its interfaces, and changes of its lists and settings.

pub(crate) mod attach;
pub mod attachment;
pub mod attachments;
pub mod change;
pub mod error;
pub(crate) mod features;
pub mod instance;
pub(crate) mod one_entry;
pub mod program;
pub mod settings;
pub mod totals;

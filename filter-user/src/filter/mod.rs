//! A filter as a whole: its program, its interfaces, and changes of its lists and settings.

pub mod attach;
pub mod attachment;
pub mod attachments;
pub mod change;
pub mod error;
pub mod features;
pub mod instance;
pub mod one_entry;
pub mod program;
pub mod settings;
pub mod totals;

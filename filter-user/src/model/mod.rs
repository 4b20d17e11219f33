//! Value types: what users write, and what filters are made of. Nothing here asks the kernel or the file system.

pub mod duration;
pub mod entry;
pub mod lengths;
pub mod mode;
pub mod ports;
pub mod prefix;
pub mod progress;
pub mod rules;
pub mod settings;

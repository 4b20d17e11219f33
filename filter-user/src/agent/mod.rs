//! The agent: keeps the kernel at what the configuration says.

pub mod report;

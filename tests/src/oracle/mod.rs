//! An oracle: says what a frame should meet, and whether it meets it.
//!
//! Configurations and frames are made at random ([`generate`]), judged by a reference written from the documentation
//! ([`mod@reference`]), and handed to the program in the kernel ([`subject`]), in one buffer and in several. Everything
//! follows from a seed, so what was found once is found again.

mod compare;
mod config;
mod difference;
mod generate;
pub mod netfilter;
mod reference;
mod sockets;
mod subject;
mod summary;

pub use compare::run;
pub use summary::Summary;

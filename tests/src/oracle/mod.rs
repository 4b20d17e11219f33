//! An oracle: it knows which verdict a frame should meet, and checks the program against it.
//!
//! Configurations and frames are random ([`generate`]). A reference, written from the documentation, judges them
//! ([`mod@reference`]). The program in the kernel gets the same frames, in one buffer and in several ([`subject`]).
//! Everything follows from a seed, so a difference can be repeated.

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

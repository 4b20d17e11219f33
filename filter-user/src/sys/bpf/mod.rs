//! BPF system calls that aya does not offer.

pub mod array_of_maps;
pub mod batch;
pub mod link;
pub mod mapped;

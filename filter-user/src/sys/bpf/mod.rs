//! BPF system calls that aya does not offer.

pub(crate) mod array_of_maps;
pub(crate) mod batch;
pub(crate) mod link;
pub mod mapped;
